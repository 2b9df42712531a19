/* Finds the DNS payload of a packet whose first byte is that of the IP header. */
#pragma once
#include "ports.h"

#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17

#define IP4_BYTES 20
#define IP6_BYTES 40
#define UDP_BYTES 8
#define TCP_BYTES 20
#define DNS_HEADER_BYTES 12
/* Before a message in TCP: its length. */
#define TCP_LENGTH_BYTES 2
#define FRAGMENT_OFFSET 0x1fff
/* In the third byte of a DNS header. */
#define DNS_RESPONSE 0x80

struct packet {
	__u32 payload; /* where it begins */
	__u32 bytes;   /* how many it has */
	__u16 source_port;
	__u16 destination_port;
	__u8 direction;
	__u8 family;
	__u8 transport;
	__u8 server;
};

/* Where the transport's header begins, or 0. Fragments but the first have none, IPv6 extension headers are not followed. */
static __always_inline __u32 find_transport(struct __sk_buff *skb, struct packet *packet)
{
	__u8 ip[IP4_BYTES];
	if (bpf_skb_load_bytes(skb, 0, ip, sizeof(ip)))
		return 0;
	if (ip[0] >> 4 == 4) {
		if ((ip[6] << 8 | ip[7]) & FRAGMENT_OFFSET)
			return 0;
		packet->family = AF_INET;
		packet->transport = ip[9];
		return (ip[0] & 15) * 4;
	}
	packet->family = AF_INET6;
	packet->transport = ip[6];
	return ip[0] >> 4 == 6 ? IP6_BYTES : 0;
}

/* The client's query goes out to the port and its response comes in from it: of both ends of a loopback exchange one is the client. */
static __always_inline int is_wanted_side(struct packet *packet)
{
	__u16 asked = packet->direction == DIRECTION_OUT ? packet->destination_port : packet->source_port;
	__u16 own = packet->direction == DIRECTION_OUT ? packet->source_port : packet->destination_port;
	if (is_dns_port(asked))
		return 1;
	packet->server = 1;
	return server && is_dns_port(own);
}

static __always_inline int is_dns(struct __sk_buff *skb, struct packet *packet)
{
	__u32 transport = find_transport(skb, packet);
	if (!transport || (packet->transport != IPPROTO_UDP && packet->transport != IPPROTO_TCP))
		return 0;
	__be16 of_transport[2];
	if (bpf_skb_load_bytes(skb, transport, of_transport, sizeof(of_transport)))
		return 0;
	packet->source_port = bpf_ntohs(of_transport[0]);
	packet->destination_port = bpf_ntohs(of_transport[1]);
	if (!is_wanted_side(packet))
		return 0;

	__u32 prefix = 0;
	__u32 header = UDP_BYTES;
	if (packet->transport == IPPROTO_TCP) {
		__u8 offset;
		if (bpf_skb_load_bytes(skb, transport + 12, &offset, 1))
			return 0;
		header = (offset >> 4) * 4;
		if (header < TCP_BYTES)
			return 0;
		prefix = TCP_LENGTH_BYTES;
	}
	packet->payload = transport + header;
	if (skb->len < packet->payload + prefix + DNS_HEADER_BYTES)
		return 0;
	packet->bytes = skb->len - packet->payload;

	__u8 flags;
	if (bpf_skb_load_bytes(skb, packet->payload + prefix + 2, &flags, 1))
		return 0;
	int responds = (flags & DNS_RESPONSE) != 0;
	int answered_here = packet->direction == DIRECTION_IN ? !packet->server : packet->server;
	return responds == answered_here;
}

static __always_inline void read_addresses(struct __sk_buff *skb, const struct packet *packet,
					   struct dns_message *message)
{
	__u8 *source = packet->direction == DIRECTION_OUT ? message->local_address : message->remote_address;
	__u8 *destination =
		packet->direction == DIRECTION_OUT ? message->remote_address : message->local_address;
	if (packet->family == AF_INET) {
		bpf_skb_load_bytes(skb, 12, source, 4);
		bpf_skb_load_bytes(skb, 16, destination, 4);
		return;
	}
	bpf_skb_load_bytes(skb, 8, source, 16);
	bpf_skb_load_bytes(skb, 24, destination, 16);
}
