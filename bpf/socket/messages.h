/* The functions of TCP through which data moves, whoever calls them: what to keep when they are entered and to do when they return. */
#pragma once
#include "message.h"

/* What a call does; less one, also its place in `calls`. */
#define MESSAGE_SENT 1
#define MESSAGE_RECEIVED 2
#define MESSAGE_SPLICED 3
#define MESSAGE_PAGE 4

#define MSG_OOB 0x1
#define MSG_PEEK 0x2
#define MSG_TRUNC 0x20
#define MSG_ERRQUEUE 0x2000

/* Calls whose return was not seen: the kernel keeps only so many kretprobes in flight. */
#define COUNTER_RETURN_MISSED COUNTER_OWN

/* How many parameters tcp_recvmsg has in this kernel: 6 on 5.10, 5 since 5.19, 4 in the newest. Where its flags stand follows. */
const volatile __u8 recvmsg_parameters = 5;

/* The iterator moves on while the data is copied: where it stood is kept. */
static __always_inline void on_entry(__u32 action, struct sock *sk, struct msghdr *message, __u32 flags)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct entry *before = entry_at(id);
	if (before && before->tid == (__u32)id && before->action) {
		before->action = 0;
		count(COUNTER_RETURN_MISSED);
	}
	if (!traced(id >> 32) || flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE))
		return;
	struct entry *entry = enter(action);
	if (!entry)
		return;
	struct buffers buffers = {};
	message_of(message, &buffers);
	if (action == MESSAGE_RECEIVED && flags & MSG_TRUNC)
		buffers.kind = BUFFERS_NONE; /* thrown away by the kernel */
	entry->words[0] = (__u64)sk;
	entry->words[1] = buffers.base;
	entry->words[2] = buffers.count;
	entry->words[3] = buffers.offset << 8 | buffers.kind;
}

static __always_inline void on_exit(__u32 action, int returned)
{
	struct entry *entry = leave(bpf_get_current_pid_tgid(), action);
	if (!entry || returned <= 0)
		return;
	__u32 direction = action == MESSAGE_SENT ? DIRECTION_OUT : DIRECTION_IN;
	struct call *call = new_call(action - 1, direction);
	if (!call)
		return;
	call->sk = (struct sock *)entry->words[0];
	call->bytes = returned;
	if (direction == DIRECTION_OUT)
		call->began = entry->time;
	call->buffers.base = entry->words[1];
	call->buffers.count = entry->words[2];
	call->buffers.kind = entry->words[3] & 0xff;
	call->buffers.offset = call->buffers.kind == BUFFERS_ONE ? 0 : entry->words[3] >> 8;
	on_data(action - 1);
}

/* Data that moved without a buffer of the program's: only its amount is known. */
static __always_inline void on_pages(__u32 action, struct sock *sk, long returned)
{
	if (returned <= 0 || !traced(bpf_get_current_pid_tgid() >> 32))
		return;
	struct call *call = new_call(action - 1, action == MESSAGE_PAGE ? DIRECTION_OUT : DIRECTION_IN);
	if (!call)
		return;
	call->sk = sk;
	call->bytes = returned;
	on_data(action - 1);
}
