/* The life of TCP sockets, whatever kind of tracepoint tells of it. */
#pragma once
#include "event.h"
#include "../include/kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#define TCP_FIN_WAIT1 4
#define TCP_CLOSE_WAIT 8
#define TCP_LAST_ACK 9
/* Bit of sk_flags: the other side's FIN has come (enum sock_flags). */
#define SOCK_DONE 1

#define COUNTER_FOREIGN                                                                                      \
	(COUNTER_OWN + 0) /* connections closed that were there before, or that the map had to forget */

/* Retransmissions are told of one by one up to this many, then each sixteenth: a lossy network must not fill the ring. */
#define RETRANSMITS_TOLD 4

/* 32 bytes: there may be a million of them. */
struct connection {
	__u64 id; /* when it began, its last byte the CPU's number: unique, as no CPU begins two within 256 ns */
	__u32 pid;
	__u16 local_port; /* the kernel clears its own before the last event */
	__u8 retransmits; /* counts round */
	__u8 role : 2, guessed : 1, listening : 1;
	__u8 name[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1048576);
	__type(key, __u64); /* struct sock * */
	__type(value, struct connection);
} connections SEC(".maps");

struct listener_key {
	__u32 network;
	__u32 port;
};

struct listener {
	__u32 pid;
	__u8 name[16];
};

/* Who listens where: the owner of what is accepted until a process is seen to read from it. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct listener_key);
	__type(value, struct listener);
} listeners SEC(".maps");

static __always_inline __u64 key_of(const struct sock *sk)
{
	return (__u64)sk;
}

static __always_inline void be_owned_by_current(struct connection *connection)
{
	connection->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(connection->name, sizeof(connection->name));
	connection->guessed = 0;
}

static __always_inline __u16 local_port_of(const struct sock *sk)
{
	__u16 port = BPF_CORE_READ(sk, __sk_common.skc_num);
	return port ? port : bpf_ntohs(BPF_CORE_READ((const struct inet_sock *)sk, inet_sport));
}

static __always_inline __u32 network_of(const struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

static __always_inline void read_addresses(struct tcp_event *event, const struct sock *sk)
{
	event->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	event->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	event->network = network_of(sk);
	if (event->family == AF_INET) {
		bpf_core_read(event->local_address, 4, &sk->__sk_common.skc_rcv_saddr);
		bpf_core_read(event->remote_address, 4, &sk->__sk_common.skc_daddr);
		return;
	}
	bpf_core_read(event->local_address, 16, &sk->__sk_common.skc_v6_rcv_saddr);
	bpf_core_read(event->remote_address, 16, &sk->__sk_common.skc_v6_daddr);
}

static __always_inline void read_counts(struct tcp_event *event, const struct sock *sk)
{
	const struct tcp_sock *tcp = (const struct tcp_sock *)sk;
	__u64 received = BPF_CORE_READ(tcp, bytes_received);
	/* The kernel counts the other side's FIN as a byte, and what was sent again as sent. */
	if (received && BPF_CORE_READ(sk, __sk_common.skc_flags) & (1 << SOCK_DONE))
		received--;
	event->received = received;
	event->sent = BPF_CORE_READ(tcp, bytes_sent) - BPF_CORE_READ(tcp, bytes_retrans);
	event->srtt = BPF_CORE_READ(tcp, srtt_us) >> 3;
	event->retransmits = BPF_CORE_READ(tcp, total_retrans);
	event->error = BPF_CORE_READ(sk, sk_err);
}

static __always_inline void tell(const struct sock *sk, const struct connection *connection, __u16 type,
				 __u8 state)
{
	if (!traced(connection->pid))
		return;
	struct tcp_event *event = reserve_event(sizeof(*event));
	if (!event)
		return;
	__builtin_memset(event, 0, sizeof(*event));
	write_header(&event->header, type, 1, sizeof(*event));
	event->header.pid = connection->pid;
	event->header.tid = 0;
	event->connection = connection->id;
	event->began = connection->id;
	event->role = connection->role;
	event->flags = connection->guessed ? TCP_OWNER_GUESSED : 0;
	event->state = state;
	__builtin_memcpy(event->name, connection->name, sizeof(event->name));
	read_addresses(event, sk);
	event->local_port = connection->local_port ? connection->local_port : local_port_of(sk);
	if (!connection->listening)
		read_counts(event, sk);
	submit_event(event);
}

static __always_inline void begin(const struct sock *sk, struct connection *connection)
{
	__u64 key = key_of(sk);
	connection->id = (bpf_ktime_get_ns() & ~255ull) | (bpf_get_smp_processor_id() & 255);
	if (bpf_map_update_elem(&connections, &key, connection, BPF_ANY))
		count(COUNTER_MAP_FULL);
}

static __always_inline void on_connect(const struct sock *sk)
{
	struct connection connection = {.role = ROLE_OPENED};
	be_owned_by_current(&connection);
	begin(sk, &connection);
}

static __always_inline void on_listen(const struct sock *sk)
{
	struct connection connection = {.listening = 1, .local_port = local_port_of(sk)};
	be_owned_by_current(&connection);
	begin(sk, &connection);

	struct listener_key key = {.network = network_of(sk), .port = connection.local_port};
	struct listener listener = {.pid = connection.pid};
	__builtin_memcpy(listener.name, connection.name, sizeof(listener.name));
	bpf_map_update_elem(&listeners, &key, &listener, BPF_ANY);
	tell(sk, &connection, EVENT_TCP_LISTENING, TCP_CLOSE);
}

/* Runs in a softirq, so that the current process is anybody: the owner is who listens, until one reads or closes. */
static __always_inline void on_accepted(const struct sock *sk)
{
	struct connection connection = {.role = ROLE_ACCEPTED, .guessed = 1, .local_port = local_port_of(sk)};
	struct listener_key key = {.network = network_of(sk), .port = connection.local_port};
	struct listener *listener = bpf_map_lookup_elem(&listeners, &key);
	if (listener) {
		connection.pid = listener->pid;
		__builtin_memcpy(connection.name, listener->name, sizeof(connection.name));
	}
	begin(sk, &connection);
	tell(sk, &connection, EVENT_TCP_OPENED, TCP_SYN_RECV);
}

static __always_inline void on_established(const struct sock *sk, int before)
{
	__u64 key = key_of(sk);
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	if (connection && connection->role == ROLE_OPENED) {
		connection->local_port = local_port_of(sk);
		tell(sk, connection, EVENT_TCP_OPENED, before);
	} else if (before == TCP_SYN_RECV) {
		on_accepted(sk);
	}
}

static __always_inline void on_close(const struct sock *sk, int before)
{
	__u64 key = key_of(sk);
	struct connection *known = bpf_map_lookup_elem(&connections, &key);
	struct connection connection = {};
	if (known) {
		connection = *known;
		bpf_map_delete_elem(&connections, &key);
	} else if (before == TCP_SYN_RECV) {
		return; /* never was one */
	} else {
		count(COUNTER_FOREIGN);
		connection.listening = before == TCP_LISTEN;
	}
	tell(sk, &connection, before == TCP_LISTEN ? EVENT_TCP_DEAF : EVENT_TCP_CLOSED, before);
}

/* Only close() and shutdown() lead from here to there: the current process is the owner. */
static __always_inline int closed_by_owner(int before, int after)
{
	return (before == TCP_ESTABLISHED && after == TCP_FIN_WAIT1) ||
	       (before == TCP_CLOSE_WAIT && after == TCP_LAST_ACK);
}

static __always_inline void on_touch(const struct sock *sk)
{
	__u64 key = key_of(sk);
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	if (!connection || !connection->guessed)
		return;
	__u32 guess = connection->pid;
	be_owned_by_current(connection);
	if (connection->pid != guess)
		tell(sk, connection, EVENT_TCP_OWNED, TCP_ESTABLISHED);
}

static __always_inline void on_state(const struct sock *sk, int before, int after)
{
	if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return;
	if (after == TCP_SYN_SENT)
		on_connect(sk);
	else if (after == TCP_ESTABLISHED)
		on_established(sk, before);
	else if (after == TCP_LISTEN)
		on_listen(sk);
	else if (after == TCP_CLOSE)
		on_close(sk, before);
	else if (closed_by_owner(before, after))
		on_touch(sk);
}

static __always_inline void on_retransmit(const struct sock *sk)
{
	__u64 key = key_of(sk);
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	if (!connection)
		return;
	__u8 nth = connection->retransmits++;
	if (nth < RETRANSMITS_TOLD || nth % 16 == 0)
		tell(sk, connection, EVENT_TCP_RETRANSMITTED, TCP_ESTABLISHED);
}
