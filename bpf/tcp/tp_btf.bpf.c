/* TCP by typed raw tracepoints. */
#include "connections.h"
#include "../include/license.h"
#include <bpf/bpf_tracing.h>

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_changed, struct sock *sk, int before, int after)
{
	on_state(sk, before, after);
	return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(retransmitted, struct sock *sk)
{
	on_retransmit(sk);
	return 0;
}

/* Told by each read that took something, in the process that reads. */
SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(was_read, struct sock *sk)
{
	on_touch(sk);
	return 0;
}
