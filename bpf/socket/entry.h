/* What a thread's call was given, kept until it returns. */
#pragma once
#include "event.h"

/*
 * Indexed by the last bits of the thread's id: nothing is looked for and nothing taken out, which every system call would pay for. Another
 * thread in the same place, while both are in such a call, is found out by its id.
 */
#define ENTRIES 32768

struct entry {
	__u64 time;
	__u32 tid;
	__u32 action; /* 0 where nothing is kept but the time */
	__u64 words[4];
	__u32 position; /* in the stream, where the front-end needs it */
	__u32 left;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ENTRIES);
	__type(key, __u32);
	__type(value, struct entry);
} entries SEC(".maps");

static __always_inline struct entry *entry_at(__u32 tid)
{
	__u32 at = tid & (ENTRIES - 1);
	return bpf_map_lookup_elem(&entries, &at);
}

/* Remembers the time, and gives the place for the rest. */
static __always_inline struct entry *enter(__u32 action)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct entry *entry = entry_at(tid);
	if (!entry)
		return NULL;
	entry->tid = tid;
	entry->action = action;
	entry->time = bpf_ktime_get_ns();
	return entry;
}

/* When this thread's call began; 0 where nobody remembers. */
static __always_inline __u64 entry_time(__u32 tid)
{
	struct entry *entry = entry_at(tid);
	return entry && entry->tid == tid ? entry->time : 0;
}

/* What this thread's call of this kind was given, once. NULL where another's took its place, or none was seen to begin. */
static __always_inline struct entry *leave(__u32 tid, __u32 action)
{
	struct entry *entry = entry_at(tid);
	if (!entry || entry->action != action)
		return NULL;
	if (entry->tid != tid) {
		count(COUNTER_MAP_FULL);
		return NULL;
	}
	entry->action = 0;
	return entry;
}
