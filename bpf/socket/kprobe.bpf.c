/*
 * The socket tracer at the functions of TCP, by breakpoints: where there are no trampolines. Of returns the kernel keeps only so many in flight,
 * on some kernels one a processor, and threads that wait in a read would use them up. So nothing here is at a return: a call lets go of its
 * socket before it does, and how far the stream has moved since it began is what it moved.
 */
#include <linux/ptrace.h>
#define BUFFERS_OF_KERNEL
#include "messages.h"
#include "license.h"

#define MSG_WAITALL 0x100

#define TCP_TIME_WAIT 6
#define TCP_CLOSE_WAIT 8
#define TCP_LAST_ACK 9
#define TCP_CLOSING 11

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct tcp_sock___position {
	__u32 write_seq;
	__u32 copied_seq;
	__u32 rcv_nxt;
};
#pragma clang attribute pop

static __always_inline int is_sent(__u32 action)
{
	return action == MESSAGE_SENT || action == MESSAGE_PAGE;
}

static __always_inline __u32 position_of(__u32 action, struct sock *sk)
{
	struct tcp_sock___position *tcp = (struct tcp_sock___position *)sk;
	return is_sent(action) ? BPF_CORE_READ(tcp, write_seq) : BPF_CORE_READ(tcp, copied_seq);
}

/* A FIN takes a place in the stream, and is no byte: of what was read when it was the last of it, of what is sent when closing. */
static __always_inline __u32 bytes_moved(__u32 action, struct sock *sk, __u32 from, __u32 to)
{
	__u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (is_sent(action))
		return state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT ? to - from : 0;
	int ended = state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK || state == TCP_CLOSING ||
		    state == TCP_TIME_WAIT || state == TCP_CLOSE;
	__u32 bytes = to - from;
	return bytes && ended && to == BPF_CORE_READ((struct tcp_sock___position *)sk, rcv_nxt) ? bytes - 1
												: bytes;
}

static __always_inline void begin(__u32 action, struct sock *sk, struct msghdr *message, __u32 flags,
				  __u32 size)
{
	struct entry *entry = on_entry(action, sk, message, flags);
	if (!entry)
		return;
	entry->position = position_of(action, sk);
	entry->left = size;
}

SEC("kprobe/tcp_sendmsg")
int BPF_KPROBE(socket_send, struct sock *sk, struct msghdr *message, unsigned long size)
{
	begin(MESSAGE_SENT, sk, message, BPF_CORE_READ(message, msg_flags) & MSG_OOB, size);
	return 0;
}

SEC("kprobe/tcp_recvmsg")
int BPF_KPROBE(socket_receive, struct sock *sk, struct msghdr *message, unsigned long size, int fourth,
	       int fifth)
{
	__u32 flags = recvmsg_parameters == 6 ? fifth : fourth;
	/* One that does not wait for all is done with the first bytes that it gets. */
	begin(MESSAGE_RECEIVED, sk, message, flags, flags & MSG_WAITALL ? size : 1);
	return 0;
}

SEC("kprobe/tcp_splice_read")
int BPF_KPROBE(socket_splice, struct socket *socket, void *position, void *pipe, unsigned long size)
{
	begin(MESSAGE_SPLICED, BPF_CORE_READ(socket, sk), NULL, 0, size);
	return 0;
}

/* Where sendfile and splice bring pages to a socket, until 6.4; since then they come as messages. */
SEC("kprobe/tcp_sendpage")
int BPF_KPROBE(socket_send_page, struct sock *sk, void *page, int offset, unsigned long size)
{
	begin(MESSAGE_PAGE, sk, NULL, 0, size);
	return 0;
}

SEC("kprobe/release_sock")
int BPF_KPROBE(socket_release, struct sock *sk)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct entry *entry = entry_at(tid);
	if (!entry || entry->tid != tid || !entry->action || entry->words[0] != (__u64)sk)
		return 0;
	__u32 action = entry->action;
	__u32 position = position_of(action, sk);
	__u32 bytes = bytes_moved(action, sk, entry->position, position);
	entry->position = position;
	if (!bytes)
		return 0;
	entry->left = entry->left > bytes ? entry->left - bytes : 0;
	if (!entry->left)
		entry->action = 0;
	if (action == MESSAGE_SENT)
		on_moved(MESSAGE_SENT, entry, bytes);
	else if (action == MESSAGE_RECEIVED)
		on_moved(MESSAGE_RECEIVED, entry, bytes);
	else if (action == MESSAGE_SPLICED)
		on_moved(MESSAGE_SPLICED, entry, bytes);
	else if (action == MESSAGE_PAGE)
		on_moved(MESSAGE_PAGE, entry, bytes);
	entry->words[3] = BUFFERS_NONE; /* of what it still moves after waiting, only the amount */
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(socket_state, struct sock *sk, int before, int after)
{
	on_state(sk, after);
	return 0;
}
