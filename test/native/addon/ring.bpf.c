/* Writes records of many lengths to the ring when a process of the test makes a system call: as many as it says, some of them discarded. */
#include "event.h"
#include "license.h"

#define FILL_BYTES 240
#define BURST_MAX 64

const volatile __u32 traced_pid;
const volatile __u32 call;
const volatile __u32 burst = 1;
const volatile __u32 fill_spread = 1;
const volatile __u32 discard_every = 0;
const volatile __u8 wake = 0;

struct record {
	__u64 sequence;
	__u8 fill[FILL_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct record);
} scratch SEC(".maps");

__u64 sequence;

static __always_inline void write_record(void)
{
	__u32 zero = 0;
	struct record *record = bpf_map_lookup_elem(&scratch, &zero);
	if (!record)
		return;
	record->sequence = sequence++;
	if (discard_every && record->sequence % discard_every == 0) {
		void *room = bpf_ringbuf_reserve(&events, 24, 0);
		if (room)
			bpf_ringbuf_discard(room, BPF_RB_NO_WAKEUP);
		return;
	}
	__u32 fill = record->sequence % fill_spread;
	if (fill > FILL_BYTES)
		return;
	__u64 flags = wake ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
	count(bpf_ringbuf_output(&events, record, 8 + fill, flags) ? COUNTER_RING_FULL : COUNTER_EVENTS);
}

SEC("tp_btf/sys_enter")
int on_call(__u64 *context)
{
	if (bpf_get_current_pid_tgid() >> 32 != traced_pid || context[1] != call)
		return 0;
	for (__u32 index = 0; index < BURST_MAX && index < burst; index++)
		write_record();
	return 0;
}
