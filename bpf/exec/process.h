/* What both rungs do at the start and at the end of a process. */
#pragma once
#include "event.h"
#include "task.h"
#include <bpf/bpf_core_read.h>

/* Bytes of a program's arguments that are captured, ARGUMENT_BYTES_MAX at most; 0: none. */
const volatile __u32 argument_bytes = 1024;
/* Whether processes are told of that begin as a copy. */
const volatile __u8 forks = 0;

/* Threads of one process that are added up at its end; those that have gone before are counted by the kernel. */
#define THREADS_MAX 64
#define SIGNAL_GROUP_EXIT 4

struct executed_scratch {
	struct process_executed event;
	__u8 arguments[ARGUMENT_BYTES_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct executed_scratch);
} scratch SEC(".maps");

struct ended_process {
	__u64 start;
	__u64 pid;
};

/* Processes whose end has been told: two threads that end at once may both be the last by what they see. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct ended_process);
	__type(value, __u8);
} ended SEC(".maps");

static __always_inline int is_own(__u32 pid)
{
	return pid == own_pids[0] || pid == own_pids[1];
}

static __always_inline __u32 parent_of(struct task_struct *leader)
{
	return BPF_CORE_READ(leader, real_parent, tgid);
}

/* The innermost namespace's number stands last. */
static __always_inline __u32 own_pid_of(struct task_struct *leader)
{
	struct pid *pid = BPF_CORE_READ(leader, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	void *numbers = (void *)pid + bpf_core_field_offset(struct pid, numbers);
	struct upid *number = numbers + level * bpf_core_type_size(struct upid);
	return BPF_CORE_READ(number, nr);
}

/* Without its zero; 0 where it could not be read. */
static __always_inline __u16 read_path(__u8 *target, const void *path)
{
	long length = path ? bpf_probe_read_kernel_str(target, PATH_BYTES, path) : 0;
	return length > 0 ? length - 1 : 0;
}

static __always_inline void read_arguments(struct executed_scratch *to, struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	__u64 from = BPF_CORE_READ(mm, arg_start);
	__u64 until = BPF_CORE_READ(mm, arg_end);
	if (!mm || until <= from)
		return;
	__u64 given = until - from;
	to->event.argument_bytes = given > 0xffffffff ? 0xffffffff : given;
	__u32 limit = argument_bytes;
	if (limit == 0)
		return;
	if (limit > ARGUMENT_BYTES_MAX)
		limit = ARGUMENT_BYTES_MAX;
	__u64 bytes = given;
	if (given > limit) {
		bytes = limit;
		count(COUNTER_TRUNCATED);
	}
	asm volatile("" : "+r"(bytes));
	bytes = ((bytes - 1) & (ARGUMENT_BYTES_MAX - 1)) + 1;
	if (bpf_probe_read_user(to->arguments, bytes, (void *)from) == 0)
		to->event.captured = bytes;
	else
		count(COUNTER_UNREADABLE);
}

/* `path` and `interpreter` are the kernel's; `interpreter` may be NULL. */
static __always_inline void on_executed(const void *path, const void *interpreter)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	if (is_own(pid))
		return;
	/* Another program: what was decided of the one before is not true of it. */
	bpf_map_delete_elem(&verdicts, &pid);
	__u32 zero = 0;
	struct executed_scratch *to = bpf_map_lookup_elem(&scratch, &zero);
	if (!to)
		return;
	struct process_executed *event = &to->event;
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	__u64 user = bpf_get_current_uid_gid();
	event->start = BPF_CORE_READ(leader, start_boottime);
	event->age = bpf_ktime_get_boot_ns() - event->start;
	event->cgroup = bpf_get_current_cgroup_id();
	event->parent = parent_of(leader);
	event->uid = (__u32)user;
	event->gid = user >> 32;
	event->own_pid = own_pid_of(leader);
	event->argument_bytes = 0;
	event->captured = 0;
	event->pad[0] = event->pad[1] = event->pad[2] = 0;
	bpf_get_current_comm(event->name, sizeof(event->name));
	event->path_bytes = read_path(event->path, path);
	event->interpreter_bytes = read_path(event->interpreter, interpreter);
	read_arguments(to, task);
	__u64 length = sizeof(*event) + event->captured;
	asm volatile("" : "+r"(length));
	if (length > sizeof(*to))
		length = sizeof(*to);
	write_header(&event->header, EVENT_PROCESS_EXECUTED, 1, length);
	output_event(to, length);
}

/* Threads that are still listed, and those that the kernel has added up. */
static __always_inline void add_up(struct process_exited *event, struct signal_struct *signal)
{
	__u64 run_time = BPF_CORE_READ(signal, sum_sched_runtime);
	__u64 user_time = BPF_CORE_READ(signal, utime);
	__u64 system_time = BPF_CORE_READ(signal, stime);
	void *head = (void *)signal + bpf_core_field_offset(struct signal_struct, thread_head);
	struct list_head *node = BPF_CORE_READ(signal, thread_head.next);
	for (int at = 0; at < THREADS_MAX; at++) {
		if (!node || (void *)node == head)
			break;
		struct task_struct *task =
			(void *)node - bpf_core_field_offset(struct task_struct, thread_node);
		run_time += BPF_CORE_READ(task, se.sum_exec_runtime);
		user_time += BPF_CORE_READ(task, utime);
		system_time += BPF_CORE_READ(task, stime);
		node = BPF_CORE_READ(task, thread_node.next);
	}
	event->run_time = run_time;
	event->user_time = user_time;
	event->system_time = system_time;
}

static __always_inline void on_exited(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	if (BPF_CORE_READ(signal, live.counter) != 0)
		return;
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	if (is_own(pid))
		return;
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct ended_process key = {.start = BPF_CORE_READ(leader, start_boottime), .pid = pid};
	__u8 one = 1;
	if (bpf_map_update_elem(&ended, &key, &one, BPF_NOEXIST) != 0)
		return;
	/* The next process with this pid is another one. */
	bpf_map_delete_elem(&verdicts, &pid);
	struct process_exited *event = reserve_event(sizeof(*event));
	if (!event)
		return;
	write_header(&event->header, EVENT_PROCESS_EXITED, 1, sizeof(*event));
	event->start = key.start;
	event->age = bpf_ktime_get_boot_ns() - key.start;
	add_up(event, signal);
	event->peak_pages = BPF_CORE_READ(signal, maxrss);
	event->parent = parent_of(leader);
	event->exit_code = BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT
				   ? BPF_CORE_READ(signal, group_exit_code)
				   : BPF_CORE_READ(leader, exit_code);
	bpf_get_current_comm(event->name, sizeof(event->name));
	submit_event(event);
}

/* `child` is the kernel's task. */
static __always_inline void on_forked(__u32 pid, __u32 parent, __u64 start)
{
	if (is_own(pid) || is_own(parent))
		return;
	struct process_forked *event = reserve_event(sizeof(*event));
	if (!event)
		return;
	write_header(&event->header, EVENT_PROCESS_FORKED, 1, sizeof(*event));
	event->header.pid = event->header.tid = pid;
	event->start = start;
	event->parent = parent;
	event->pad = 0;
	bpf_get_current_comm(event->name, sizeof(event->name));
	submit_event(event);
}
