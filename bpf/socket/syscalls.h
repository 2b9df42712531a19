/* System calls that move data: which they are, where their arguments lie, and when they began. */
#pragma once
#include <asm/unistd.h>
#include "socket.h"
#include "descriptor.h"
#include "entry.h"

/* What a system call does. Sending ones are even, up to ACTION_SENDFILE. */
#define ACTION_NONE 0
#define ACTION_READ 1
#define ACTION_WRITE 2
#define ACTION_READV 3
#define ACTION_WRITEV 4
#define ACTION_RECVFROM 5
#define ACTION_SENDTO 6
#define ACTION_RECVMSG 7
#define ACTION_SENDMSG 8
#define ACTION_RECVMMSG 9
#define ACTION_SENDMMSG 10
#define ACTION_SENDFILE 11
#define ACTION_SPLICE 12

#define SYSCALLS_MAX 512

/* The place of what is at hand in `calls`: one program sees all. */
#define SYSTEM_CALL 0

/* By number, which is another on each architecture: objects are compiled for one. */
const volatile __u8 actions[SYSCALLS_MAX] = {
	[__NR_read] = ACTION_READ,         [__NR_write] = ACTION_WRITE,
	[__NR_readv] = ACTION_READV,       [__NR_writev] = ACTION_WRITEV,
	[__NR_recvfrom] = ACTION_RECVFROM, [__NR_sendto] = ACTION_SENDTO,
	[__NR_recvmsg] = ACTION_RECVMSG,   [__NR_sendmsg] = ACTION_SENDMSG,
	[__NR_recvmmsg] = ACTION_RECVMMSG, [__NR_sendmmsg] = ACTION_SENDMMSG,
	[__NR_sendfile] = ACTION_SENDFILE, [__NR_splice] = ACTION_SPLICE,
};

/* Bits of `flags` of recv: what does not move data, or not from where it stands in the stream. */
#define MSG_OOB 0x1
#define MSG_PEEK 0x2
#define MSG_TRUNC 0x20
#define MSG_ERRQUEUE 0x2000

/* Messages of one sendmmsg or recvmmsg that are looked at. */
#define MESSAGES_MAX 8

struct user_message {
	__u64 name, name_length;
	__u64 vector, vector_length;
	__u64 control, control_length;
	__u64 flags;
	__u64 moved; /* of recvmmsg and sendmmsg: msg_len, u32 */
};

#define MESSAGE_BYTES 56

static __always_inline __u8 action_of(__u64 number)
{
	return number < SYSCALLS_MAX ? actions[number & (SYSCALLS_MAX - 1)] : ACTION_NONE;
}

/* Whether the call sends, so that the time when it began matters. */
static __always_inline int sends(__u8 action)
{
	return action >= ACTION_SENDFILE || (action && !(action & 1));
}

/* What a call was given, as far as we look. */
struct arguments {
	__u64 fd, second, third, fourth;
};

/* Whether the bytes it returned did not move along the stream. */
static __always_inline int looks_only(__u8 action, const struct arguments *arguments)
{
	__u64 flags = 0;
	if (action == ACTION_RECVFROM || action == ACTION_RECVMMSG)
		flags = arguments->fourth;
	else if (action == ACTION_RECVMSG)
		flags = arguments->third;
	else if (action == ACTION_SENDTO || action == ACTION_SENDMMSG)
		return (arguments->fourth & MSG_OOB) != 0;
	else if (action == ACTION_SENDMSG)
		return (arguments->third & MSG_OOB) != 0;
	return (flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE)) != 0;
}

/* Takes the place and count of the buffers out of a message of sendmsg or recvmsg. */
static __always_inline void message_buffers(struct buffers *buffers, const struct user_message *message)
{
	buffers->kind = BUFFERS_VECTOR;
	buffers->base = message->vector;
	buffers->count = message->vector_length;
}

static __always_inline void read_message(struct call *call, __u64 address)
{
	struct user_message message;
	if (bpf_probe_read_user(&message, MESSAGE_BYTES, (void *)address) == 0)
		message_buffers(&call->buffers, &message);
	else
		count(COUNTER_UNREADABLE);
}

static __always_inline void on_messages(struct call *call, __u64 address, __u32 messages)
{
	for (__u32 at = 0; at < MESSAGES_MAX && at < messages; at++) {
		struct user_message message;
		if (bpf_probe_read_user(&message, sizeof(message), (void *)(address + at * sizeof(message))) <
		    0) {
			count(COUNTER_UNREADABLE);
			return;
		}
		message_buffers(&call->buffers, &message);
		call->bytes = (__u32)message.moved;
		if (call->bytes)
			on_data(SYSTEM_CALL);
	}
	if (messages > MESSAGES_MAX)
		count(COUNTER_TRUNCATED);
}

/* A call that returned more than 0. */
static __always_inline void on_return(__u8 action, const struct arguments *arguments, __u64 returned)
{
	__u64 id = bpf_get_current_pid_tgid();
	if (!traced(id >> 32) || looks_only(action, arguments))
		return;
	__u32 direction = sends(action) ? DIRECTION_OUT : DIRECTION_IN;
	struct sock *sk;
	if (action == ACTION_SPLICE) {
		/* A socket is at one end, or at neither. */
		sk = sock_of(arguments->third);
		if (!sk) {
			direction = DIRECTION_IN;
			sk = sock_of(arguments->fd);
		}
	} else {
		sk = sock_of(arguments->fd);
	}
	if (!sk)
		return;

	struct call *call = new_call(SYSTEM_CALL, direction);
	if (!call)
		return;
	call->sk = sk;
	call->bytes = returned;
	if (direction == DIRECTION_OUT)
		call->began = entry_time(id);
	if (action == ACTION_RECVMMSG || action == ACTION_SENDMMSG) {
		on_messages(call, arguments->second, returned);
		return;
	}
	if (action == ACTION_RECVMSG || action == ACTION_SENDMSG) {
		read_message(call, arguments->second);
	} else if (action < ACTION_RECVMSG) {
		int vector = action == ACTION_READV || action == ACTION_WRITEV;
		call->buffers.kind = vector ? BUFFERS_VECTOR : BUFFERS_ONE;
		call->buffers.base = arguments->second;
		call->buffers.count = arguments->third;
	}
	if (action == ACTION_RECVFROM && arguments->fourth & MSG_TRUNC)
		call->buffers.kind = BUFFERS_NONE; /* thrown away by the kernel */
	on_data(SYSTEM_CALL);
}
