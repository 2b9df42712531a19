/* What all tracers have in common: the header of an event, the ring, the counters, and which processes are left out. */
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Who reads an event. A tracer's types lie in a range of its own, in its event.h. */
#define EVENT_SOCKET 0x0100
#define EVENT_TCP 0x0200
#define EVENT_DNS 0x0300
#define EVENT_PROCESS 0x0400

/* 24 bytes before every event. Little-endian, 8-byte aligned; src/receivers/ebpf/event.ts reads it. */
struct event_header {
	__u16 type;
	__u16 version; /* of the layout of this type, from 1 */
	__u32 length;  /* of all of it, this header included */
	__u64 time;    /* CLOCK_MONOTONIC, nanoseconds */
	__u32 pid;     /* process (tgid), as the initial namespace counts; 0 where nobody's */
	__u32 tid;
};

#define RING_BYTES (16 * 1024 * 1024)
/* Below this the reader comes by its timer; from here on it is woken: waking costs the traced program more than writing. `wakeBytes` says it. */
const volatile __u32 wake_bytes = 512 * 1024;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} events SEC(".maps");

/* What was seen and what was lost. A tracer's own counters begin at COUNTER_OWN. */
enum counter {
	COUNTER_EVENTS,     /* events written */
	COUNTER_RING_FULL,  /* events lost: the ring was full */
	COUNTER_MAP_FULL,   /* state lost: a map took no more */
	COUNTER_UNREADABLE, /* memory of the program that could not be read (not resident) */
	COUNTER_TRUNCATED,  /* events of which less was kept than there was */
	COUNTER_OWN = 8,
	COUNTERS = 16,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

static __always_inline void count_many(__u32 counter, __u64 amount)
{
	__u64 *value = bpf_map_lookup_elem(&counters, &counter);
	if (value)
		*value += amount;
}

static __always_inline void count(__u32 counter)
{
	count_many(counter, 1);
}

/* Which processes are traced, by tgid: written by the agent once it has looked at a process. */
#define VERDICT_LEAVE_OUT 1
#define VERDICT_TRACE 2

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, __u8);
} verdicts SEC(".maps");

/* Whether a process is traced of which nothing is known yet. The agent looks at the events again, so 1 only costs more. */
const volatile __u8 trace_unknown = 1;
/* The agent itself and its loader: never traced. */
const volatile __u32 own_pids[2];

static __always_inline int traced(__u32 pid)
{
	/* 0 is nobody's, and stands where there is no loader. */
	if (pid && (pid == own_pids[0] || pid == own_pids[1]))
		return 0;
	__u8 *verdict = bpf_map_lookup_elem(&verdicts, &pid);
	return verdict ? *verdict == VERDICT_TRACE : trace_unknown;
}

static __always_inline void write_header(struct event_header *header, __u16 type, __u16 version, __u32 length)
{
	__u64 id = bpf_get_current_pid_tgid();
	header->type = type;
	header->version = version;
	header->length = length;
	header->time = bpf_ktime_get_ns();
	header->pid = id >> 32;
	header->tid = (__u32)id;
}

static __always_inline __u64 wake_flags(void)
{
	return bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) < wake_bytes ? BPF_RB_NO_WAKEUP : BPF_RB_FORCE_WAKEUP;
}

/* Room for an event of a constant size, or NULL, counted. Ends with submit_event. */
static __always_inline void *reserve_event(__u64 size)
{
	void *event = bpf_ringbuf_reserve(&events, size, 0);
	if (!event)
		count(COUNTER_RING_FULL);
	return event;
}

static __always_inline void submit_event(void *event)
{
	bpf_ringbuf_submit(event, wake_flags());
	count(COUNTER_EVENTS);
}

/* An event whose size is known only now, copied from a scratch of the tracer's (a per-CPU array): works on 5.10, where no dynptr is. */
static __always_inline void output_event(void *event, __u64 size)
{
	if (bpf_ringbuf_output(&events, event, size, wake_flags()) == 0)
		count(COUNTER_EVENTS);
	else
		count(COUNTER_RING_FULL);
}
