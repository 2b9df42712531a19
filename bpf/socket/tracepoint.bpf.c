/*
 * The socket tracer by the classic tracepoints of the same places: where programs may not be typed by BTF. The return of a call tells only its
 * number and result here, so that its arguments are kept at its entry.
 */
#include "socket.h"
#include "syscalls.h"
#include "license.h"

/* The contexts of tracepoints: as /sys/kernel/tracing/events/…/format has them. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct trace_event_raw_sys_enter {
	long id;
	unsigned long args[6];
};
struct trace_event_raw_sys_exit {
	long id;
	long ret;
};
struct trace_event_raw_inet_sock_set_state {
	const void *skaddr;
	int newstate;
};
#pragma clang attribute pop

SEC("tracepoint/raw_syscalls/sys_enter")
int socket_enter(struct trace_event_raw_sys_enter *context)
{
	__u8 action = action_of(context->id);
	if (!action)
		return 0;
	struct entry *entry = enter(action);
	if (entry) {
		entry->words[0] = context->args[0];
		entry->words[1] = context->args[1];
		entry->words[2] = context->args[2];
		entry->words[3] = context->args[3];
	}
	return 0;
}

SEC("tracepoint/raw_syscalls/sys_exit")
int socket_exit(struct trace_event_raw_sys_exit *context)
{
	__u8 action = action_of(context->id);
	if (!action)
		return 0;
	struct entry *entry = leave(bpf_get_current_pid_tgid(), action);
	if (!entry || context->ret <= 0)
		return 0;
	struct arguments arguments = {entry->words[0], entry->words[1], entry->words[2], entry->words[3]};
	on_return(action, &arguments, context->ret);
	return 0;
}

SEC("tracepoint/sock/inet_sock_set_state")
int socket_state(struct trace_event_raw_inet_sock_set_state *context)
{
	on_state((struct sock *)context->skaddr, context->newstate);
	return 0;
}
