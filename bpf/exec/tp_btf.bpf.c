#include "process.h"
#include "../include/license.h"

SEC("tp_btf/sched_process_exec")
int executed(__u64 *arguments)
{
	struct linux_binprm *program = (void *)arguments[2];
	on_executed(BPF_CORE_READ(program, filename), BPF_CORE_READ(program, interp));
	return 0;
}

SEC("tp_btf/sched_process_exit")
int exited(__u64 *arguments)
{
	on_exited();
	return 0;
}

SEC("tp_btf/sched_process_fork")
int forked(__u64 *arguments)
{
	if (!forks)
		return 0;
	struct task_struct *parent = (void *)arguments[0];
	struct task_struct *child = (void *)arguments[1];
	__u32 pid = BPF_CORE_READ(child, tgid);
	/* The others are threads. */
	if (pid == BPF_CORE_READ(child, pid))
		on_forked(pid, BPF_CORE_READ(parent, tgid), BPF_CORE_READ(child, start_boottime));
	return 0;
}
