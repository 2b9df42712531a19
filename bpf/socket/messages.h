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

/* How many parameters tcp_recvmsg has in this kernel: 6 on 5.10, 5 since 5.19, 4 in the newest. Where its flags stand follows. */
const volatile __u8 recvmsg_parameters = 5;

/*
 * The iterator moves on while the data is copied: where it stood is kept. NULL where the call is none of ours; what a call before it left is
 * gone then, too.
 */
static __always_inline struct entry *on_entry(__u32 action, struct sock *sk, struct msghdr *message,
					      __u32 flags)
{
	if (flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE) || !traced(bpf_get_current_pid_tgid() >> 32)) {
		enter(0);
		return NULL;
	}
	struct entry *entry = enter(action);
	if (!entry)
		return NULL;
	struct buffers buffers = {};
	if (message)
		message_of(message, &buffers);
	if (action == MESSAGE_RECEIVED && flags & MSG_TRUNC)
		buffers.kind = BUFFERS_NONE; /* thrown away by the kernel */
	entry->left = 0;
	entry->words[0] = (__u64)sk;
	entry->words[1] = buffers.base;
	entry->words[2] = buffers.count;
	entry->words[3] = buffers.offset << 8 | buffers.kind;
	return entry;
}

/* So many bytes moved by the call that was entered so. `place` is that of this program in `calls`. */
static __always_inline void moved_at(__u32 place, __u32 action, struct entry *entry, __u32 bytes)
{
	int sent = action == MESSAGE_SENT || action == MESSAGE_PAGE;
	struct call *call = new_call(place, sent ? DIRECTION_OUT : DIRECTION_IN);
	if (!call)
		return;
	call->sk = (struct sock *)entry->words[0];
	call->bytes = bytes;
	if (sent)
		call->began = entry->time;
	call->buffers.base = entry->words[1];
	call->buffers.count = entry->words[2];
	call->buffers.kind = entry->words[3] & 0xff;
	call->buffers.offset = call->buffers.kind == BUFFERS_ONE ? 0 : entry->words[3] >> 8;
	on_data(place);
}

static __always_inline void on_moved(__u32 action, struct entry *entry, __u32 bytes)
{
	moved_at(action - 1, action, entry, bytes);
}
