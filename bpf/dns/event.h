/* DNS messages as packets carry them. Read by src/receivers/ebpf/tracers/dns/event.ts. */
#pragma once
#include "../include/event.h"

#define EVENT_DNS_MESSAGE (EVENT_DNS + 1)

#define DIRECTION_IN 0
#define DIRECTION_OUT 1

/* Of a UDP message without EDNS, RFC 1035, and what EDNS is mostly used with. */
#define DNS_PAYLOAD_BYTES 512
#define DNS_PAYLOAD_BYTES_MAX 1232

/*
 * One UDP packet, or one TCP segment that may begin a message (the two bytes of its length included). The record's size is one of
 * three, so that it can be reserved by a constant: what counts is `captured`.
 */
struct dns_message {
	struct event_header header; /* pid and tid: who connected or sent last; 0 where nobody was seen to */
	__u64 socket;               /* cookie: unique while the system runs */
	__u32 bytes;                /* of payload in the packet */
	__u16 captured;             /* bytes of payload after this struct */
	__u16 local_port;
	__u16 remote_port;
	__u8 direction;
	__u8 transport; /* IPPROTO_UDP (17), IPPROTO_TCP (6) */
	__u8 family;    /* AF_INET (2), AF_INET6 (10) */
	__u8 server;    /* this side is asked, not the one that asks */
	__u8 pad[2];
	__u8 local_address[16]; /* network order; IPv4 in the first four */
	__u8 remote_address[16];
	__u8 name[16]; /* comm */
};
