/* Data that moves over a TCP socket whose protocol is one of ours, as user space sees it. Read by src/receivers/ebpf/socket/event.ts. */
#pragma once
#include "../include/event.h"

#define EVENT_SOCKET_DATA (EVENT_SOCKET + 1)
#define EVENT_SOCKET_CLOSED (EVENT_SOCKET + 2)

/* What a connection was recognised as by its first bytes. Bits of the constant `protocols` choose which are looked for. */
#define PROTOCOL_NONE 0
#define PROTOCOL_HTTP1 1

#define DIRECTION_IN 0
#define DIRECTION_OUT 1

/* The chunk begins like a message of the protocol: a request line, a status line. */
#define DATA_STARTS_MESSAGE 1
/* The payload could not be read (sendfile, splice, or memory that was not resident): only `bytes` is known. */
#define DATA_UNREAD 2

#define PAYLOAD_BYTES_MAX 4096
#define TAIL_BYTES 8

/*
 * One call that moved data. Of each message the first `head_bytes` (a constant, 1024 where nothing is said) are captured, over however many
 * calls: a message begins where the direction changes and wherever a call begins like one. Of the rest only the counts and the tail. The payload
 * of an event is the first bytes of its call. Addresses of IPv4 over a socket of IPv6 are told as IPv4.
 */
struct socket_data {
	struct event_header header; /* time: when the call ended */
	__u64 connection;           /* unique until the programs are loaded anew; below 2^53 */
	__u64 began;                /* of what was sent, when the call began; of what was received, `time`: a read waits */
	__u32 sequence;             /* of this event on its connection, from 0, both directions: a gap is a loss */
	__u32 bytes;                /* moved by the call */
	__u32 run;                  /* bytes of this run before this event; stays at 2^32 - 1 */
	__u16 captured;             /* bytes of payload after this struct */
	__u8 direction;
	__u8 protocol;
	__u8 flags;
	__u8 family; /* AF_INET (2), AF_INET6 (10) */
	__u16 local_port;
	__u16 remote_port;
	__u8 tail_bytes; /* how many of `tail` hold something */
	__u8 pad;
	__u8 tail[TAIL_BYTES];    /* the last bytes moved: where a chunked body ends */
	__u8 local_address[16];   /* network order; IPv4 in the first four */
	__u8 remote_address[16];
	__u8 name[16]; /* comm */
};

/* The connection is gone; `sequence` tells whether what came before was all seen. Header's pid: whoever ran then, not the owner. */
struct socket_closed {
	struct event_header header;
	__u64 connection;
	__u32 sequence;
	__u32 pad;
};
