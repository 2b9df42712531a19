/* What is remembered of a TCP connection, and the recognition of its protocol. */
#pragma once
#include <stddef.h>
#include "event.h"
#include "kernel.h"

#define NO_DIRECTION 0xff

/* No longer looked at: another protocol has taken the connection over (101 Switching Protocols, CONNECT). */
#define CONNECTION_LET_BE 1
/* The last request was a CONNECT: what follows its 2xx is none of ours. */
#define CONNECTION_TUNNELS 2
/* Recognised by fewer than FIRST_BYTES bytes, all there were: the next call decides. */
#define CONNECTION_TENTATIVE 4

/* How many bytes decide what a message is. */
#define FIRST_BYTES 8

struct connection {
	__u64 id;
	__u64 first; /* of a tentative connection, the bytes so far */
	__u32 sequence;
	__u32 run;
	__u16 head_left; /* how much of this message's head may still be captured */
	__u8 protocol;
	__u8 direction;
	__u8 flags;
	__u8 pad[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024 * 1024);
	__type(key, __u64); /* struct sock * */
	__type(value, struct connection);
} connections SEC(".maps");

/* How many connections each CPU has numbered. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} connection_ids SEC(".maps");

/* Bits (1 << PROTOCOL_…) of what is looked for. */
const volatile __u32 protocols = 1 << PROTOCOL_HTTP1;

static __always_inline __u64 next_connection_id(void)
{
	__u32 zero = 0;
	__u64 *last = bpf_map_lookup_elem(&connection_ids, &zero);
	if (!last)
		return 0;
	return (__u64)bpf_get_smp_processor_id() << 40 | (*last)++;
}

static __always_inline int is_tcp(struct sock *sk)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	return (family == AF_INET || family == AF_INET6) && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP;
}

/*
 * The state of a connection, new where there is none: it began before we came, or it is new. Not of a closed one, whose last bytes may
 * still be read: nobody would take the state away again, and the next connection at this address would inherit it.
 */
static __always_inline struct connection *connection_of(struct sock *sk)
{
	__u64 key = (__u64)sk;
	struct connection *found = bpf_map_lookup_elem(&connections, &key);
	if (found)
		return found;
	if (!is_tcp(sk) || BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_CLOSE)
		return NULL;
	struct connection fresh = {.id = next_connection_id(), .direction = NO_DIRECTION};
	if (bpf_map_update_elem(&connections, &key, &fresh, BPF_NOEXIST) < 0)
		count(COUNTER_MAP_FULL);
	return bpf_map_lookup_elem(&connections, &key);
}

/* A word of up to eight letters as it stands in memory. */
#define LETTER(text, at) ((__u64)(__u8)(at < sizeof(text) - 1 ? text[at] : 0) << (8 * (at)))
#define WORD(text)                                                                                           \
	(LETTER(text, 0) | LETTER(text, 1) | LETTER(text, 2) | LETTER(text, 3) | LETTER(text, 4) |           \
	 LETTER(text, 5) | LETTER(text, 6) | LETTER(text, 7))
#define FIRST_OF(count) ((count) >= 8 ? ~0ULL : (1ULL << (8 * ((count)&7))) - 1)
#define BEGINS(word, text) (!(((word) ^ WORD(text)) & known & FIRST_OF(sizeof(text) - 1)))

/* Whether these bytes, `length` of eight, begin a message of HTTP/1. Fewer than the word has may still become it. */
static __always_inline int begins_http1(__u64 word, __u32 length)
{
	__u64 known = length >= FIRST_BYTES ? ~0ULL : (1ULL << (8 * (length & 7))) - 1;
	return BEGINS(word, "HTTP/1.") || BEGINS(word, "GET ") || BEGINS(word, "POST ") ||
	       BEGINS(word, "PUT ") || BEGINS(word, "HEAD ") || BEGINS(word, "DELETE ") ||
	       BEGINS(word, "PATCH ") || BEGINS(word, "OPTIONS ") || BEGINS(word, "CONNECT ") ||
	       BEGINS(word, "TRACE ");
}

static __always_inline __u8 recognise(__u64 word, __u32 length)
{
	if (length && protocols & 1 << PROTOCOL_HTTP1 && begins_http1(word, length))
		return PROTOCOL_HTTP1;
	return PROTOCOL_NONE;
}
