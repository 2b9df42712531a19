/* Taking the first bytes of a call, its head and its last bytes out of its buffers. */
#pragma once
#include "event.h"
#include "connection.h"
#include "buffers.h"

/*
 * Where an event is put together, with its payload behind it: of twice the size, since the verifier adds the largest offset and the largest
 * length. How far the capture has come also stands here, not in variables: the verifier follows every value of those through every turn of a
 * loop, and of these none.
 */
struct captured {
	struct socket_data event;
	__u8 payload[2 * PAYLOAD_BYTES_MAX];
	struct buffers buffers;
	__u64 tail;
	__u32 wanted;
	__u32 captured;
	__u32 seen;
	__u32 tail_bytes;
};

/* One of each direction: a thread that sends may be interrupted by one that receives, where programs can be preempted. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct captured);
} scratches SEC(".maps");

/* As many bytes as tell the status of a response: "HTTP/1.1 101". */
#define STATUS_BYTES 16

struct first {
	__u64 words[STATUS_BYTES / 8];
	__u32 length;
	__u32 pad;
};

static __always_inline void read_first(const struct buffers *buffers, __u32 bytes, struct first *first)
{
	struct part part;
	if (part_at(buffers, 0, &part) < 0)
		return;
	__u64 length = part.length < bytes ? part.length : bytes;
	if (length >= STATUS_BYTES)
		length = STATUS_BYTES;
	else if (length == 0)
		return;
	asm volatile("" : "+r"(length));
	length = ((length - 1) & (STATUS_BYTES - 1)) + 1;
	if (read_bytes(buffers, first->words, length, part.base) == 0)
		first->length = length;
}

/* What a message does to its connection: a tunnel and an upgrade leave nothing for us to see. */
static __always_inline void follow_message(struct connection *connection, const struct first *first)
{
	const __u8 *text = (const __u8 *)first->words;
	if (first->words[0] == WORD("CONNECT ")) {
		connection->flags |= CONNECTION_TUNNELS;
	} else if (first->length >= 12 && text[0] == 'H' && text[4] == '/') {
		int switches = text[9] == '1' && text[10] == '0' && text[11] == '1';
		if (switches || (text[9] == '2' && connection->flags & CONNECTION_TUNNELS))
			connection->flags |= CONNECTION_LET_BE;
		if (text[9] != '1')
			connection->flags &= ~CONNECTION_TUNNELS;
	}
}

/* The last bytes of what moved, which may lie in several buffers: each pushes out those before it. */
static __always_inline void take_tail(struct captured *scratch, __u64 end, __u32 length)
{
	__u64 word = 0;
	if (length > TAIL_BYTES)
		length = TAIL_BYTES;
	asm volatile("" : "+r"(length));
	length = ((length - 1) & (TAIL_BYTES - 1)) + 1;
	if (read_bytes(&scratch->buffers, &word, length, end - length) < 0)
		return;
	scratch->tail =
		length == TAIL_BYTES ? word : scratch->tail >> 8 * length | word << 8 * (TAIL_BYTES - length);
	scratch->tail_bytes += length;
}

/* Captures what is still wanted of a buffer of which `length` bytes moved. */
static __always_inline void take_head(struct captured *scratch, __u64 base, __u32 length)
{
	__u32 offset = scratch->captured & (PAYLOAD_BYTES_MAX - 1);
	__u32 left = scratch->wanted - scratch->captured;
	if (length > left)
		length = left;
	asm volatile("" : "+r"(length));
	length = ((length - 1) & (PAYLOAD_BYTES_MAX - 1)) + 1;
	if (read_bytes(&scratch->buffers, scratch->payload + offset, length, base) == 0) {
		scratch->captured += length;
	} else {
		scratch->event.flags |= DATA_UNREAD;
		scratch->wanted = scratch->captured;
		count(COUNTER_UNREADABLE);
	}
}

/* Captures up to `wanted` bytes and the last eight of those of the event, buffer by buffer. */
static __always_inline void capture(struct captured *scratch, __u32 wanted)
{
	if (wanted > scratch->event.bytes)
		wanted = scratch->event.bytes;
	if (wanted > PAYLOAD_BYTES_MAX)
		wanted = PAYLOAD_BYTES_MAX;
	scratch->wanted = wanted;
	scratch->captured = 0;
	scratch->seen = 0;
	scratch->tail = 0;
	scratch->tail_bytes = 0;
	if (scratch->buffers.kind == BUFFERS_NONE)
		scratch->event.flags |= DATA_UNREAD;

	for (__u32 at = 0; at < VECTOR_MAX; at++) {
		struct part part;
		__u32 left = scratch->event.bytes - scratch->seen;
		if (left == 0 || part_at(&scratch->buffers, at, &part) < 0)
			break;
		__u32 length = part.length < left ? part.length : left;
		if (length == 0)
			continue;
		if (scratch->captured < scratch->wanted)
			take_head(scratch, part.base, length);
		scratch->seen += length;
		if (length + TAIL_BYTES > left)
			take_tail(scratch, part.base + length, length);
	}

	__u32 tail_bytes = scratch->tail_bytes < TAIL_BYTES ? scratch->tail_bytes : TAIL_BYTES;
	if (scratch->seen < scratch->event.bytes) /* the end lies beyond what was looked at */
		tail_bytes = 0;
	__u64 tail = tail_bytes ? scratch->tail >> 8 * ((TAIL_BYTES - tail_bytes) & 7) : 0;
	__builtin_memcpy(scratch->event.tail, &tail, TAIL_BYTES);
	scratch->event.tail_bytes = tail_bytes;
	scratch->event.captured = scratch->captured;
}
