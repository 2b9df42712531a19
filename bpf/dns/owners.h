/* Whose a socket is. */
#pragma once
#include "ports.h"

struct owner {
	__u32 pid;
	__u32 tid;
	__u8 name[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64); /* cookie */
	__type(value, struct owner);
} owners SEC(".maps");

static __always_inline void remember_owner(struct bpf_sock_addr *address)
{
	int asks = is_dns_port(bpf_ntohs((__u16)address->user_port));
	if (!asks && !server)
		return;
	/* A server answers to any port, from its own. */
	if (!asks) {
		struct bpf_sock *sk = address->sk;
		if (!sk || !is_dns_port((__u16)sk->src_port))
			return;
	}
	__u64 cookie = bpf_get_socket_cookie(address);
	__u64 id = bpf_get_current_pid_tgid();
	struct owner owner = {.pid = id >> 32, .tid = (__u32)id};
	bpf_get_current_comm(owner.name, sizeof(owner.name));
	if (bpf_map_update_elem(&owners, &cookie, &owner, BPF_ANY))
		count(COUNTER_MAP_FULL);
}
