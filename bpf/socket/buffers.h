/* Where the bytes of a call are, and reading of them: one buffer or a vector of them, of the program's memory or the kernel's. */
#pragma once
#include "event.h"

/* Nobody can say where (sendfile, splice, pages). */
#define BUFFERS_NONE 0
/* One, of the program's. */
#define BUFFERS_ONE 1
/* `struct iovec`s in the program's memory, of the program's. */
#define BUFFERS_VECTOR 2
/* `struct iovec`s in the kernel's memory, of the program's. */
#define BUFFERS_KERNEL_VECTOR 3
/* `struct kvec`s: both are the kernel's. */
#define BUFFERS_KERNEL 4

/* Buffers of a vector that are looked at; what lies in later ones is counted alone. */
#define VECTOR_MAX 16

struct part {
	__u64 base;
	__u64 length;
};

struct buffers {
	__u64 base;
	__u64 count;  /* bytes of one buffer; buffers of a vector */
	__u64 offset; /* bytes of the first buffer that are not part of it */
	__u32 kind;
	__u32 pad;
};

static __always_inline int read_bytes(const struct buffers *buffers, void *to, __u32 length, __u64 from)
{
#ifdef BUFFERS_OF_KERNEL
	if (buffers->kind == BUFFERS_KERNEL)
		return bpf_probe_read_kernel(to, length, (void *)from);
#endif
	return bpf_probe_read_user(to, length, (void *)from);
}

/* The buffer at `at`, or -1 where there is none. */
static __always_inline int part_at(const struct buffers *buffers, __u32 at, struct part *part)
{
	if (buffers->kind == BUFFERS_NONE)
		return -1;
	if (buffers->kind == BUFFERS_ONE) {
		part->base = buffers->base;
		part->length = buffers->count;
		return at ? -1 : 0;
	}
	if (at >= buffers->count)
		return -1;
	const void *from = (void *)(buffers->base + at * sizeof(struct part));
	int failed;
#ifdef BUFFERS_OF_KERNEL
	if (buffers->kind != BUFFERS_VECTOR)
		failed = bpf_probe_read_kernel(part, sizeof(*part), from);
	else
#endif
		failed = bpf_probe_read_user(part, sizeof(*part), from);
	if (failed)
		return -1;
	if (at == 0) {
		part->base += buffers->offset;
		part->length -= buffers->offset;
	}
	return 0;
}
