/* The socket behind a descriptor of the thread that runs. */
#pragma once
#include "socket.h"

/* Tasks whose numbers of system calls are not ours, 32-bit programs, are left out. */
#if defined(__TARGET_ARCH_x86)
#define COMPAT_FIELD status
#define COMPAT_BIT 2 /* TS_COMPAT */
#elif defined(__TARGET_ARCH_arm64)
#define COMPAT_FIELD flags
#define COMPAT_BIT (1 << 22) /* TIF_32BIT */
#endif

/* Operations of a socket's file, once one was met: what has others is no socket, which spares two reads for all other files. */
static const void *socket_operations;

static __always_inline struct sock *sock_of_file(struct file *file)
{
	const void *operations = BPF_CORE_READ(file, f_op);
	if (operations != socket_operations) {
		if (socket_operations || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
			return NULL;
		socket_operations = operations;
	}
	struct socket *socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

/* The socket behind a descriptor of this thread, or NULL where it is none, or the call is not one of ours. */
static __always_inline struct sock *sock_of(__u32 fd)
{
	__u32 open;
	struct file **files;
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)) {
		/* Typed by the kernel's BTF: read like any memory of ours. */
		struct task_struct *task = bpf_get_current_task_btf();
		if (task->thread_info.COMPAT_FIELD & COMPAT_BIT)
			return NULL;
		struct fdtable *table = task->files->fdt;
		open = table->max_fds;
		files = table->fd;
	} else {
		struct task_struct *task = (void *)bpf_get_current_task();
		if (BPF_CORE_READ(task, thread_info.COMPAT_FIELD) & COMPAT_BIT)
			return NULL;
		struct fdtable *table = BPF_CORE_READ(task, files, fdt);
		open = BPF_CORE_READ(table, max_fds);
		files = BPF_CORE_READ(table, fd);
	}
	struct file *file = NULL;
	if (fd >= open || bpf_probe_read_kernel(&file, sizeof(file), files + fd) < 0 || !file)
		return NULL;
	return sock_of_file(file);
}
