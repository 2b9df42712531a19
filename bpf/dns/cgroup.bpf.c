/*
 * DNS by the packets that sockets of a cgroup send and receive, joined by the socket's cookie to the process that connected it or sent by it.
 * Every packet of the host passes here, so whatever is not DNS must leave after the first comparison of ports.
 */
#include "packet.h"
#include "owners.h"
#include "../include/license.h"

static __always_inline void send(struct __sk_buff *skb, const struct packet *packet, __u32 captured,
				 const __u64 size)
{
	__u64 cookie = bpf_get_socket_cookie(skb);
	struct owner *owner = bpf_map_lookup_elem(&owners, &cookie);
	if (!traced(owner ? owner->pid : 0))
		return;
	struct dns_message *message = reserve_event(size);
	if (!message)
		return;
	__builtin_memset(message, 0, sizeof(*message));
	message->header.type = EVENT_DNS_MESSAGE;
	message->header.version = 1;
	message->header.length = size;
	message->header.time = bpf_ktime_get_ns();
	if (owner) {
		message->header.pid = owner->pid;
		message->header.tid = owner->tid;
		__builtin_memcpy(message->name, owner->name, sizeof(message->name));
	}
	message->socket = cookie;
	message->bytes = packet->bytes;
	message->direction = packet->direction;
	message->transport = packet->transport;
	message->family = packet->family;
	message->server = packet->server;
	message->local_port =
		packet->direction == DIRECTION_OUT ? packet->source_port : packet->destination_port;
	message->remote_port =
		packet->direction == DIRECTION_OUT ? packet->destination_port : packet->source_port;
	read_addresses(skb, packet, message);
	if (bpf_skb_load_bytes(skb, packet->payload, message + 1, captured) == 0)
		message->captured = captured;
	else
		count(COUNTER_UNREADABLE);
	if (captured < packet->bytes)
		count(COUNTER_TRUNCATED);
	submit_event(message);
}

#define SMALL 128
#define MIDDLE 512
#define ROOM(payload) ((sizeof(struct dns_message) + (payload) + 7) & ~7ull)

static __always_inline void look_at(struct __sk_buff *skb, __u8 direction)
{
	struct packet packet = {.direction = direction};
	if (!is_dns(skb, &packet))
		return;
	__u32 captured = packet.bytes;
	if (captured > payload_bytes)
		captured = payload_bytes;
	/* Each branch proves its bounds to old verifiers anew. */
	asm volatile("" : "+r"(captured));
	if (captured < DNS_HEADER_BYTES)
		return;
	if (captured <= SMALL)
		send(skb, &packet, captured, ROOM(SMALL));
	else if (captured <= MIDDLE)
		send(skb, &packet, captured, ROOM(MIDDLE));
	else if (captured <= DNS_PAYLOAD_BYTES_MAX)
		send(skb, &packet, captured, ROOM(DNS_PAYLOAD_BYTES_MAX));
}

SEC("cgroup_skb/ingress")
int dns_ingress(struct __sk_buff *skb)
{
	look_at(skb, DIRECTION_IN);
	return 1;
}

SEC("cgroup_skb/egress")
int dns_egress(struct __sk_buff *skb)
{
	look_at(skb, DIRECTION_OUT);
	return 1;
}

SEC("cgroup/connect4")
int dns_connect4(struct bpf_sock_addr *address)
{
	remember_owner(address);
	return 1;
}

SEC("cgroup/connect6")
int dns_connect6(struct bpf_sock_addr *address)
{
	remember_owner(address);
	return 1;
}

SEC("cgroup/sendmsg4")
int dns_sendmsg4(struct bpf_sock_addr *address)
{
	remember_owner(address);
	return 1;
}

SEC("cgroup/sendmsg6")
int dns_sendmsg6(struct bpf_sock_addr *address)
{
	remember_owner(address);
	return 1;
}
