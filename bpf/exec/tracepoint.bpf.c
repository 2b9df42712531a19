#include "process.h"
#include "../include/license.h"

/* Fields of the tracepoints as tracefs has them; offsets from the kernel's BTF. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct trace_event_raw_sched_process_exec {
	__u32 __data_loc_filename;
};

struct trace_event_raw_task_newtask {
	int pid;
	unsigned long clone_flags;
};
#pragma clang attribute pop

SEC("tracepoint/sched/sched_process_exec")
int executed(struct trace_event_raw_sched_process_exec *context)
{
	/* The file that runs is not told: it is the one asked for, or of a script what stands in its first line. */
	__u32 where = context->__data_loc_filename;
	on_executed((void *)context + (where & 0xffff), 0);
	return 0;
}

SEC("tracepoint/sched/sched_process_exit")
int exited(void *context)
{
	on_exited();
	return 0;
}

#define CLONE_THREAD 0x00010000

/* That of sched_process_fork does not say whether it is a thread. The kernel took the start's time a moment before. */
SEC("tracepoint/task/task_newtask")
int forked(struct trace_event_raw_task_newtask *context)
{
	if (forks && !(context->clone_flags & CLONE_THREAD))
		on_forked(context->pid, bpf_get_current_pid_tgid() >> 32, bpf_ktime_get_boot_ns());
	return 0;
}
