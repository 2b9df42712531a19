/* TCP by classic tracepoints. */
#include "connections.h"
#include "../include/license.h"

/* As /sys/kernel/tracing/events/sock/inet_sock_set_state/format says, since 4.16. */
struct state_context {
	__u64 of_all;
	const struct sock *sk;
	int before;
	int after;
};

/* The beginning of tcp/tcp_retransmit_skb, since 4.16. */
struct retransmit_context {
	__u64 of_all;
	const void *skb;
	const struct sock *sk;
};

/* The beginning of tcp/tcp_rcv_space_adjust, since 4.16. */
struct read_context {
	__u64 of_all;
	const struct sock *sk;
};

SEC("tracepoint/sock/inet_sock_set_state")
int state_changed(struct state_context *context)
{
	on_state(context->sk, context->before, context->after);
	return 0;
}

SEC("tracepoint/tcp/tcp_retransmit_skb")
int retransmitted(struct retransmit_context *context)
{
	on_retransmit(context->sk);
	return 0;
}

SEC("tracepoint/tcp/tcp_rcv_space_adjust")
int was_read(struct read_context *context)
{
	on_touch(context->sk);
	return 0;
}
