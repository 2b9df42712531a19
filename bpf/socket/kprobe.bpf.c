/*
 * The socket tracer at the functions of TCP, by breakpoints: where there are no trampolines. The kernel keeps a bounded number of returns in
 * flight, which threads that wait in a read use up: those missed are counted.
 */
#include <linux/ptrace.h>
#define BUFFERS_OF_KERNEL
#include "messages.h"
#include "license.h"

SEC("kprobe/tcp_sendmsg")
int BPF_KPROBE(socket_send, struct sock *sk, struct msghdr *message)
{
	on_entry(MESSAGE_SENT, sk, message, BPF_CORE_READ(message, msg_flags) & MSG_OOB);
	return 0;
}

SEC("kretprobe/tcp_sendmsg")
int BPF_KRETPROBE(socket_sent, int returned)
{
	on_exit(MESSAGE_SENT, returned);
	return 0;
}

SEC("kprobe/tcp_recvmsg")
int BPF_KPROBE(socket_receive, struct sock *sk, struct msghdr *message, long size, int fourth, int fifth)
{
	on_entry(MESSAGE_RECEIVED, sk, message, recvmsg_parameters == 6 ? fifth : fourth);
	return 0;
}

SEC("kretprobe/tcp_recvmsg")
int BPF_KRETPROBE(socket_received, int returned)
{
	on_exit(MESSAGE_RECEIVED, returned);
	return 0;
}

SEC("kprobe/tcp_splice_read")
int BPF_KPROBE(socket_splice, struct socket *socket)
{
	struct entry *entry = enter(MESSAGE_SPLICED);
	if (entry)
		entry->words[0] = (__u64)BPF_CORE_READ(socket, sk);
	return 0;
}

SEC("kretprobe/tcp_splice_read")
int BPF_KRETPROBE(socket_spliced, long returned)
{
	struct entry *entry = leave(bpf_get_current_pid_tgid(), MESSAGE_SPLICED);
	if (entry)
		on_pages(MESSAGE_SPLICED, (struct sock *)entry->words[0], returned);
	return 0;
}

/* Where sendfile and splice brought pages to a socket, until 6.4. */
SEC("kprobe/tcp_sendpage")
int BPF_KPROBE(socket_send_page, struct sock *sk)
{
	struct entry *entry = enter(MESSAGE_PAGE);
	if (entry)
		entry->words[0] = (__u64)sk;
	return 0;
}

SEC("kretprobe/tcp_sendpage")
int BPF_KRETPROBE(socket_sent_page, int returned)
{
	struct entry *entry = leave(bpf_get_current_pid_tgid(), MESSAGE_PAGE);
	if (entry)
		on_pages(MESSAGE_PAGE, (struct sock *)entry->words[0], returned);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(socket_state, struct sock *sk, int before, int after)
{
	on_state(sk, after);
	return 0;
}
