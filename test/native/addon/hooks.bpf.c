/* A program of each kind that can be attached to a place, each counting that it ran. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "license.h"

#define CGROUP 0
#define UPROBE 1
#define UPROBE_MULTI 2
#define PERF_EVENT 3
#define XDP 4
#define TC 5

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} runs SEC(".maps");

static __always_inline void count(__u32 hook)
{
	__u64 *value = bpf_map_lookup_elem(&runs, &hook);
	if (value)
		*value += 1;
}

SEC("cgroup_skb/egress")
int on_packet(struct __sk_buff *packet)
{
	count(CGROUP);
	return 1;
}

SEC("uprobe")
int on_function(void *context)
{
	count(UPROBE);
	return 0;
}

SEC("uprobe.multi")
int on_functions(void *context)
{
	count(UPROBE_MULTI);
	return 0;
}

SEC("perf_event")
int on_tick(void *context)
{
	count(PERF_EVENT);
	return 0;
}

SEC("xdp")
int on_frame(struct xdp_md *frame)
{
	count(XDP);
	return XDP_PASS;
}

SEC("tc")
int on_ingress(struct __sk_buff *packet)
{
	count(TC);
	return -1;
}
