/* What happens when a TCP socket has moved data, whichever hook saw it: recognition, capture, and the event. */
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>
#include "event.h"
#include "kernel.h"
#include "connection.h"
#include "buffers.h"
#include "call.h"

/* How much of the beginning of a message is captured, over however many calls. */
const volatile __u32 head_bytes = 1024;

/* The beginning of `struct sock_common`, the same since 3.x: read at once where the kernel's BTF says that it is still so. */
struct addresses {
	__u32 remote, local;
	__u32 hash;
	__be16 remote_port;
	__u16 local_port;
	__u16 family;
	__u16 pad;
};

#define IS_AT(field, member)                                                                                 \
	(bpf_core_field_offset(struct sock_common, field) == offsetof(struct addresses, member))

static __always_inline void read_addresses(struct addresses *addresses, struct sock *sk)
{
	if (bpf_core_field_offset(struct sock, __sk_common) == 0 && IS_AT(skc_daddr, remote) &&
	    IS_AT(skc_rcv_saddr, local) && IS_AT(skc_dport, remote_port) && IS_AT(skc_num, local_port) &&
	    IS_AT(skc_family, family)) {
		bpf_probe_read_kernel(addresses, sizeof(*addresses), sk);
		return;
	}
	addresses->remote = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	addresses->local = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
	addresses->remote_port = BPF_CORE_READ(sk, __sk_common.skc_dport);
	addresses->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	addresses->family = BPF_CORE_READ(sk, __sk_common.skc_family);
}

static __always_inline void write_addresses(struct socket_data *event, struct sock *sk)
{
	struct addresses addresses = {};
	read_addresses(&addresses, sk);
	event->local_port = addresses.local_port;
	event->remote_port = bpf_ntohs(addresses.remote_port);
	event->family = addresses.family;
	if (addresses.family == AF_INET6) {
		BPF_CORE_READ_INTO((struct in6_addr___kernel *)event->remote_address, sk,
				   __sk_common.skc_v6_daddr);
		BPF_CORE_READ_INTO((struct in6_addr___kernel *)event->local_address, sk,
				   __sk_common.skc_v6_rcv_saddr);
		const __u32 *words = (__u32 *)event->remote_address;
		/* ::ffff:a.b.c.d is IPv4 over a socket of both, whose addresses also stand where those of IPv4 do. */
		if (words[0] || words[1] || words[2] != bpf_htonl(0xffff))
			return;
		event->family = AF_INET;
	}
	__builtin_memset(event->local_address, 0, sizeof(event->local_address));
	__builtin_memset(event->remote_address, 0, sizeof(event->remote_address));
	*(__u32 *)event->remote_address = addresses.remote;
	*(__u32 *)event->local_address = addresses.local;
}

static __always_inline void emit_closed(struct connection *connection)
{
	struct socket_closed *closed = reserve_event(sizeof(*closed));
	if (!closed)
		return;
	write_header(&closed->header, EVENT_SOCKET_CLOSED, 1, sizeof(*closed));
	closed->connection = connection->id;
	closed->sequence = connection->sequence;
	closed->pad = 0;
	submit_event(closed);
}

/* Not ours after all, or no longer. */
static __always_inline void forget_protocol(struct connection *connection)
{
	connection->protocol = PROTOCOL_NONE;
	connection->flags &= ~CONNECTION_TENTATIVE;
	connection->run = 1;
}

/* What a message does to its connection: a tunnel and an upgrade leave nothing for us to see. */
static __always_inline void follow_message(struct connection *connection, const struct call *call)
{
	const __u8 *text = call->first;
	if (call->first_word == WORD("CONNECT ")) {
		connection->flags |= CONNECTION_TUNNELS;
	} else if (call->first_bytes >= 12 && text[0] == 'H' && text[4] == '/') {
		int switches = text[9] == '1' && text[10] == '0' && text[11] == '1';
		if (switches || (text[9] == '2' && connection->flags & CONNECTION_TUNNELS))
			connection->flags |= CONNECTION_LET_BE;
		if (text[9] != '1')
			connection->flags &= ~CONNECTION_TUNNELS;
	}
}

static __always_inline void emit_data(struct call *call, struct connection *connection, __u8 flags)
{
	struct socket_data *event = &call->event;
	event->connection = connection->id;
	event->sequence = connection->sequence++;
	event->bytes = call->bytes;
	event->run = connection->run;
	event->direction = call->direction;
	event->protocol = connection->protocol;
	event->flags = flags;
	event->pad = 0;
	write_addresses(event, call->sk);
	bpf_get_current_comm(event->name, sizeof(event->name));

	capture(call, connection->head_left);
	__u32 length = call->captured;
	connection->head_left -= length;
	write_header(&event->header, EVENT_SOCKET_DATA, 1, sizeof(*event) + length);
	event->began = call->began ? call->began : event->header.time;
	asm volatile("" : "+r"(length));
	if (length > PAYLOAD_BYTES_MAX)
		length = PAYLOAD_BYTES_MAX;
	output_event(event, sizeof(*event) + length);
}

/*
 * Sets the connection's protocol by what the call moved, and returns the event's flags. A connection that is none of ours costs a look-up, and
 * its first bytes whenever the direction changes.
 */
static __always_inline __u8 classify(struct call *call, struct connection *connection)
{
	int turned = connection->direction != call->direction;
	if (!turned && connection->protocol == PROTOCOL_NONE)
		return 0;
	if (turned) {
		if (connection->flags & CONNECTION_TENTATIVE)
			forget_protocol(connection);
		connection->direction = call->direction;
		connection->run = 0;
		connection->head_left = head_bytes;
	}

	read_first(call);
	__u64 word = call->first_word;
	__u32 length = call->first_bytes;
	int continues = connection->flags & CONNECTION_TENTATIVE;
	if (continues) {
		__u32 run = connection->run & (FIRST_BYTES - 1);
		word = connection->first | word << 8 * run;
		length += run;
	}
	__u8 protocol = recognise(word, length);
	if (protocol == PROTOCOL_NONE) {
		if (continues)
			forget_protocol(connection);
		return 0;
	}
	if (!turned && !continues && length < FIRST_BYTES)
		return 0; /* the last bytes of a body may be any */

	connection->protocol = protocol;
	connection->first = word;
	if (length < FIRST_BYTES)
		connection->flags |= CONNECTION_TENTATIVE;
	else
		connection->flags &= ~CONNECTION_TENTATIVE;
	if (continues)
		return 0;
	connection->head_left = head_bytes;
	return DATA_STARTS_MESSAGE;
}

/*
 * The call at this place of `calls` has moved data. The state of its connection is not locked (programs of these kinds may not): two threads that
 * move data over one connection in the same instant may number two events alike. A function of its own, which the verifier reads once.
 */
__noinline int on_data(__u32 place)
{
	struct call *call = call_at(place);
	if (!call)
		return 0;
	struct connection *connection = connection_of(call->sk);
	if (!connection || connection->flags & CONNECTION_LET_BE)
		return 0;
	__u8 flags = classify(call, connection);
	if (connection->protocol == PROTOCOL_NONE)
		return 0;
	emit_data(call, connection, flags);

	__u32 run = connection->run + call->bytes;
	connection->run = run < call->bytes ? ~0U : run;
	if (flags & DATA_STARTS_MESSAGE)
		follow_message(connection, call);
	return 0;
}

/* The socket is closed, or one begins at this address: what was known of it ends. */
static __always_inline void on_state(struct sock *sk, int state)
{
	if (state != TCP_CLOSE && state != TCP_SYN_SENT && state != TCP_SYN_RECV)
		return;
	__u64 key = (__u64)sk;
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	if (!connection)
		return;
	if (connection->sequence)
		emit_closed(connection);
	bpf_map_delete_elem(&connections, &key);
}
