/* Where the bytes of a message are that the kernel hands to TCP: `struct iov_iter`, whose shape has changed often between 5.10 and today. */
#pragma once
#include "socket.h"
#include "entry.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* Until 5.13: the type's bits above that of the direction. */
struct iov_iter___flags {
	unsigned int type;
};

struct iov_iter___iov {
	const void *iov;
};

/* Since 6.0 there are also iterators of one buffer; since 6.4 the vector is __iov. */
struct iov_iter___ubuf {
	void *ubuf;
};

struct iov_iter {
	__u8 iter_type;
	unsigned long iov_offset;
	unsigned long count;
	unsigned long nr_segs;
	const void *__iov;
};

struct msghdr {
	struct iov_iter msg_iter;
	unsigned int msg_flags;
};

#pragma clang attribute pop

enum iter_type___some {
	ITER_IOVEC,
	ITER_KVEC,
	ITER_UBUF,
};

#define IS_ITERATOR(type, name)                                                                              \
	(bpf_core_enum_value_exists(enum iter_type___some, name) &&                                          \
	 (type) == bpf_core_enum_value(enum iter_type___some, name))

static __always_inline void message_of(struct msghdr *message, struct buffers *buffers)
{
	struct iov_iter *iterator = &message->msg_iter;
	__u32 type;
	if (bpf_core_field_exists(iterator->iter_type))
		type = BPF_CORE_READ(iterator, iter_type);
	else
		type = BPF_CORE_READ((struct iov_iter___flags *)iterator, type) & ~1;

	buffers->kind = BUFFERS_NONE;
	buffers->offset = BPF_CORE_READ(iterator, iov_offset);
	if (IS_ITERATOR(type, ITER_UBUF)) {
		buffers->kind = BUFFERS_ONE;
		buffers->base =
			(__u64)BPF_CORE_READ((struct iov_iter___ubuf *)iterator, ubuf) + buffers->offset;
		buffers->count = BPF_CORE_READ(iterator, count);
		return;
	}
	if (IS_ITERATOR(type, ITER_IOVEC))
		buffers->kind = BUFFERS_KERNEL_VECTOR;
	else if (IS_ITERATOR(type, ITER_KVEC))
		buffers->kind = BUFFERS_KERNEL;
	if (bpf_core_field_exists(iterator->__iov))
		buffers->base = (__u64)BPF_CORE_READ(iterator, __iov);
	else
		buffers->base = (__u64)BPF_CORE_READ((struct iov_iter___iov *)iterator, iov);
	buffers->count = BPF_CORE_READ(iterator, nr_segs);
}
