/* What became of TCP connections and of sockets that listen. Read by src/receivers/ebpf/tracers/tcp/event.ts. */
#pragma once
#include "../include/event.h"

#define EVENT_TCP_OPENED (EVENT_TCP + 1)        /* established */
#define EVENT_TCP_OWNED (EVENT_TCP + 2)         /* accepted, and read by another process than was thought */
#define EVENT_TCP_RETRANSMITTED (EVENT_TCP + 3) /* `retransmits` has grown */
#define EVENT_TCP_CLOSED (EVENT_TCP + 4)        /* or never established: `state` is the one that it was in */
#define EVENT_TCP_LISTENING (EVENT_TCP + 5)
#define EVENT_TCP_DEAF (EVENT_TCP + 6) /* listens no more */

#define ROLE_UNKNOWN 0 /* was there before the programs were */
#define ROLE_OPENED 1
#define ROLE_ACCEPTED 2

/* The process is the one that listens: none was seen to touch the connection. */
#define TCP_OWNER_GUESSED 1

struct tcp_event {
	struct event_header header; /* pid: the owner's, not that of who happened to run */
	__u64 connection; /* unique until the programs are loaded anew; 0 where it was there before */
	__u64 began;      /* SYN sent, or established by the other side's; 0 where unknown */
	__u64 sent;       /* bytes of payload, each once */
	__u64 received;
	__u32 srtt; /* smoothed round trip, microseconds; 0 where none was measured */
	__u32 retransmits;
	__u32 network; /* namespace: inode of /proc/PID/ns/net */
	__u32 error;   /* errno */
	__u16 local_port;
	__u16 remote_port;
	__u8 family; /* AF_INET (2), AF_INET6 (10) */
	__u8 role;
	__u8 state; /* before the event: TCP_ESTABLISHED (1), TCP_SYN_SENT (2), … */
	__u8 flags;
	__u8 local_address[16]; /* network order; IPv4 in the first four */
	__u8 remote_address[16];
	__u8 name[16]; /* comm of the owner */
};
