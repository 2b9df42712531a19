/* Programs of uprobes that wait to be attached, and one of another kind that must not be. */
#include "event.h"
#include <bpf/bpf_tracing.h>
#include "license.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} runs SEC(".maps");

static __always_inline int ran(__u32 which)
{
	__u64 *value = bpf_map_lookup_elem(&runs, &which);
	if (value)
		__sync_fetch_and_add(value, 1);
	return 0;
}

SEC("uprobe")
int on_function(void *context)
{
	return ran(0);
}

SEC("uprobe.multi")
int on_functions(void *context)
{
	return ran(1);
}

SEC("kprobe")
int on_kernel(void *context)
{
	return ran(0);
}

SEC("tp_btf/sched_process_exec")
int on_exec(void *context)
{
	return 0;
}
