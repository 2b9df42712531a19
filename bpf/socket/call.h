/* A call that moved data: what is known of it, and the reading of its bytes. */
#pragma once
#include "event.h"
#include "buffers.h"

/* As many of a call's first bytes as tell what it is, up to the status of a response: "HTTP/1.1 101". */
#define STATUS_BYTES 16
/* Buffers that are looked at for them. */
#define FIRST_BUFFERS 4

/*
 * Where a call is told of, read and made an event of. It lies in a map, not on the stack: of variables the verifier follows every value
 * through every turn of a loop, of this none. What is filled piece by piece is of twice the size, since it adds the largest offset and the
 * largest length.
 */
struct call {
	struct sock *sk;
	__u64 began; /* 0 where that is not known, or says nothing: a read waits */
	struct buffers buffers;
	__u32 bytes;
	__u32 direction;

	union {
		__u64 first_word;
		__u8 first[2 * STATUS_BYTES];
	};
	__u32 first_bytes;

	__u32 wanted;
	__u32 captured;
	__u32 seen;
	__u64 tail;
	__u32 tail_bytes;

	__u32 pad;
	struct socket_data event;
	__u8 payload[2 * PAYLOAD_BYTES_MAX];
};

/* One for each program that has such calls: where programs can be preempted, another may run in the middle of one. */
#define CALLS 8

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CALLS);
	__type(key, __u32);
	__type(value, struct call);
} calls SEC(".maps");

static __always_inline struct call *call_at(__u32 place)
{
	return bpf_map_lookup_elem(&calls, &place);
}

/* A call of a direction, nothing yet known of where its bytes are. */
static __always_inline struct call *new_call(__u32 place, __u32 direction)
{
	struct call *call = call_at(place);
	if (call) {
		call->direction = direction;
		call->began = 0;
		call->buffers.kind = BUFFERS_NONE;
		call->buffers.offset = 0;
	}
	return call;
}

/* Reads the first bytes, out of the first buffers: a head may be sent in pieces, and buffers may be empty. */
static __always_inline void read_first(struct call *call)
{
	call->first_bytes = 0;
	call->first_word = 0;
	for (__u32 at = 0; at < FIRST_BUFFERS; at++) {
		struct part part;
		__u32 have = call->first_bytes & (STATUS_BYTES - 1);
		__u32 left = (call->bytes < STATUS_BYTES ? call->bytes : STATUS_BYTES) - have;
		if (call->first_bytes == STATUS_BYTES || left == 0 || part_at(&call->buffers, at, &part) < 0)
			break;
		__u32 length = part.length < left ? part.length : left;
		if (length == 0)
			continue;
		asm volatile("" : "+r"(length));
		length = ((length - 1) & (STATUS_BYTES - 1)) + 1;
		if (read_bytes(&call->buffers, call->first + have, length, part.base) < 0)
			break;
		call->first_bytes = have + length;
	}
}

/* The last bytes of what moved, which may lie in several buffers: each pushes out those before it. */
static __always_inline void take_tail(struct call *call, __u64 end, __u32 length)
{
	__u64 word = 0;
	if (length > TAIL_BYTES)
		length = TAIL_BYTES;
	asm volatile("" : "+r"(length));
	length = ((length - 1) & (TAIL_BYTES - 1)) + 1;
	if (read_bytes(&call->buffers, &word, length, end - length) < 0)
		return;
	call->tail =
		length == TAIL_BYTES ? word : call->tail >> 8 * length | word << 8 * (TAIL_BYTES - length);
	call->tail_bytes += length;
}

/* Captures what is still wanted of a buffer of which `length` bytes moved. */
static __always_inline void take_head(struct call *call, __u64 base, __u32 length)
{
	__u32 offset = call->captured & (PAYLOAD_BYTES_MAX - 1);
	__u32 left = call->wanted - call->captured;
	if (length > left)
		length = left;
	asm volatile("" : "+r"(length));
	length = ((length - 1) & (PAYLOAD_BYTES_MAX - 1)) + 1;
	if (read_bytes(&call->buffers, call->payload + offset, length, base) == 0) {
		call->captured += length;
	} else {
		call->event.flags |= DATA_UNREAD;
		call->wanted = call->captured;
		count(COUNTER_UNREADABLE);
	}
}

/* Captures up to `wanted` of the first bytes, and the last eight, into the event. */
static __always_inline void capture(struct call *call, __u32 wanted)
{
	if (wanted > call->bytes)
		wanted = call->bytes;
	if (wanted > PAYLOAD_BYTES_MAX)
		wanted = PAYLOAD_BYTES_MAX;
	call->wanted = wanted;
	call->captured = 0;
	call->seen = 0;
	call->tail = 0;
	call->tail_bytes = 0;
	if (call->buffers.kind == BUFFERS_NONE)
		call->event.flags |= DATA_UNREAD;

	for (__u32 at = 0; at < VECTOR_MAX; at++) {
		struct part part;
		__u32 left = call->bytes - call->seen;
		if (left == 0 || part_at(&call->buffers, at, &part) < 0)
			break;
		__u32 length = part.length < left ? part.length : left;
		if (length == 0)
			continue;
		if (call->captured < call->wanted)
			take_head(call, part.base, length);
		call->seen += length;
		if (left < length + TAIL_BYTES && (call->captured < call->bytes || call->bytes < TAIL_BYTES))
			take_tail(call, part.base + length, length);
	}

	if (call->captured == call->bytes && call->bytes >= TAIL_BYTES) {
		/* All of it lies here already. */
		__u32 at = (call->captured - TAIL_BYTES) & (PAYLOAD_BYTES_MAX - 1);
		__builtin_memcpy(call->event.tail, call->payload + at, TAIL_BYTES);
		call->event.tail_bytes = TAIL_BYTES;
		call->event.captured = call->captured;
		return;
	}
	__u32 tail_bytes = call->tail_bytes < TAIL_BYTES ? call->tail_bytes : TAIL_BYTES;
	if (call->seen < call->bytes) /* the end lies beyond what was looked at */
		tail_bytes = 0;
	if (call->captured < call->wanted && call->buffers.kind != BUFFERS_NONE)
		count(COUNTER_TRUNCATED);
	__u64 tail = tail_bytes ? call->tail >> 8 * ((TAIL_BYTES - tail_bytes) & 7) : 0;
	__builtin_memcpy(call->event.tail, &tail, TAIL_BYTES);
	call->event.tail_bytes = tail_bytes;
	call->event.captured = call->captured;
}
