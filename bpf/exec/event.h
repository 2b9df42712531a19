/* The life of processes, as user space sees it. Read by src/receivers/ebpf/tracers/exec/event.ts. */
#pragma once
#include "../include/event.h"

#define EVENT_PROCESS_EXECUTED (EVENT_PROCESS + 1)
#define EVENT_PROCESS_EXITED (EVENT_PROCESS + 2)
#define EVENT_PROCESS_FORKED (EVENT_PROCESS + 3)

#define PATH_BYTES 256
#define ARGUMENT_BYTES_MAX 4096

/* A process has become another program. */
struct process_executed {
	struct event_header header;
	__u64 start;  /* of the process, CLOCK_BOOTTIME, nanoseconds */
	__u64 age;    /* of the process, nanoseconds */
	__u64 cgroup; /* id in the hierarchy of cgroup2 */
	__u32 parent;
	__u32 uid; /* as the initial namespace counts */
	__u32 gid;
	__u32 own_pid;           /* as its own namespace counts */
	__u32 argument_bytes;    /* that it was given */
	__u16 captured;          /* of these, after this struct: each ends with a zero */
	__u16 path_bytes;        /* without a zero; PATH_BYTES - 1 where there may be more */
	__u16 interpreter_bytes; /* 0 where it is not known */
	__u16 pad[3];
	__u8 name[16];
	__u8 path[PATH_BYTES];        /* what was asked for: of a script, the script */
	__u8 interpreter[PATH_BYTES]; /* the file that runs */
};

/* Its last thread has ended. */
struct process_exited {
	struct event_header header;
	__u64 start;       /* as above */
	__u64 age;         /* likewise */
	__u64 run_time;    /* of all its threads, nanoseconds, up to the scheduler's last tick */
	__u64 user_time;   /* by the ticks of the clock: how `run_time` is shared out */
	__u64 system_time; /* likewise */
	__u64 peak_pages; /* most memory resident at a time, as getrusage(2) has it: also before it became this program */
	__u32 parent;
	__u32 exit_code; /* as wait(2) has it: status << 8, or the signal, with 0x80 where it dumped its core */
	__u8 name[16];
};

/* A process has begun as a copy of another. */
struct process_forked {
	struct event_header header; /* pid and tid: the child's */
	__u64 start;                /* as above */
	__u32 parent;
	__u32 pad;
	__u8 name[16];
};
