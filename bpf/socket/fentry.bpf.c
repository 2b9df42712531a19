/* The socket tracer at the functions of TCP, by trampolines: the cheapest, and it sees whoever calls them. */
#define BUFFERS_OF_KERNEL
#include "messages.h"
#include "license.h"

/*
 * Calls of which not all was seen: a program that is running on a processor is not run again there by what preempts it. Its entry missed, only
 * the amount is known; its return missed, the connection's sequence has a gap.
 */
#define COUNTER_MISSED COUNTER_OWN

/* In `left`: the other program at this return has seen to it. */
#define DONE 1

static __always_inline void note_missed(void)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct entry *before = entry_at(tid);
	if (!before || before->tid != tid || !before->action)
		return;
	count(COUNTER_MISSED);
	__u64 key = before->words[0];
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	if (connection && connection->protocol != PROTOCOL_NONE)
		connection->sequence++;
}

static __always_inline void begin(__u32 action, struct sock *sk, struct msghdr *message, __u32 flags)
{
	note_missed();
	on_entry(action, sk, message, flags);
}

static __always_inline void end(__u32 action, struct sock *sk, __u32 flags, int returned)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct entry *entry = leave(tid, action);
	if (returned <= 0)
		return;
	if (!entry) {
		entry = entry_at(tid);
		if (entry && entry->tid == tid && entry->left == DONE) {
			entry->left = 0;
			return;
		}
		entry = on_entry(action, sk, NULL, flags);
		if (!entry)
			return;
		entry->action = 0;
		count(COUNTER_MISSED);
	}
	on_moved(action, entry, returned);
}

/* Places in `calls` of the programs that come second, behind those of the actions. */
#define SECOND 4

/*
 * What the first program at this return did not do, because it was running when what it ran for was preempted: nobody's data is lost to a
 * reader that the sender has woken.
 */
static __always_inline void end_again(__u32 action, int returned)
{
	struct entry *entry = leave(bpf_get_current_pid_tgid(), action);
	if (!entry)
		return;
	entry->left = DONE;
	if (returned <= 0)
		return;
	moved_at(SECOND + action - 1, action, entry, returned);
}

/* Data that moved without a buffer of the program's: only its amount is known. */
static __always_inline void on_pages(__u32 action, struct sock *sk, long returned)
{
	if (returned <= 0)
		return;
	struct entry *entry = on_entry(action, sk, NULL, 0);
	if (!entry)
		return;
	entry->action = 0;
	on_moved(action, entry, returned);
}

SEC("fentry/tcp_sendmsg")
int BPF_PROG(socket_send, struct sock *sk, struct msghdr *message, unsigned long size)
{
	begin(MESSAGE_SENT, sk, message, message->msg_flags & MSG_OOB);
	return 0;
}

SEC("fexit/tcp_sendmsg")
int BPF_PROG(socket_sent, struct sock *sk, struct msghdr *message, unsigned long size, int returned)
{
	end(MESSAGE_SENT, sk, message->msg_flags & MSG_OOB, returned);
	return 0;
}

SEC("fexit/tcp_sendmsg")
int BPF_PROG(socket_sent_2, struct sock *sk, struct msghdr *message, unsigned long size, int returned)
{
	end_again(MESSAGE_SENT, returned);
	return 0;
}

/* A word of the context at a constant place: of two such reads the compiler would make one, at a place computed, which is refused. */
#define CONTEXT(at)                                                                                          \
	({                                                                                                   \
		__u64 word;                                                                                  \
		asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(word) : "r"(context), "i"(8 * (at)));           \
		word;                                                                                        \
	})

/* The result stands behind the parameters. */
static __always_inline int result_of_receive(__u64 *context)
{
	if (recvmsg_parameters == 6)
		return CONTEXT(6);
	if (recvmsg_parameters == 5)
		return CONTEXT(5);
	return CONTEXT(4);
}

static __always_inline __u32 flags_of_receive(__u64 *context)
{
	if (recvmsg_parameters == 6)
		return CONTEXT(4);
	return CONTEXT(3);
}

SEC("fentry/tcp_recvmsg")
int socket_receive(__u64 *context)
{
	begin(MESSAGE_RECEIVED, (struct sock *)context[0], (struct msghdr *)context[1],
	      flags_of_receive(context));
	return 0;
}

SEC("fexit/tcp_recvmsg")
int socket_received(__u64 *context)
{
	end(MESSAGE_RECEIVED, (struct sock *)context[0], flags_of_receive(context),
	    result_of_receive(context));
	return 0;
}

SEC("fexit/tcp_recvmsg")
int socket_received_2(__u64 *context)
{
	end_again(MESSAGE_RECEIVED, result_of_receive(context));
	return 0;
}

SEC("fexit/tcp_splice_read")
int BPF_PROG(socket_spliced, struct socket *socket, void *position, void *pipe, unsigned long length,
	     unsigned int flags, long returned)
{
	on_pages(MESSAGE_SPLICED, BPF_CORE_READ(socket, sk), returned);
	return 0;
}

/* Where sendfile and splice brought pages to a socket, until 6.4; since then they come as messages. */
SEC("fexit/tcp_sendpage")
int BPF_PROG(socket_sent_page, struct sock *sk, void *page, int offset, unsigned long size, int flags,
	     int returned)
{
	on_pages(MESSAGE_PAGE, sk, returned);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(socket_state, struct sock *sk, int before, int after)
{
	on_state(sk, after);
	return 0;
}
