/* What the user chose. */
#pragma once
#include "event.h"
#include <bpf/bpf_endian.h>

#define PORTS 8

const volatile __u16 ports[PORTS] = {53};
const volatile __u32 payload_bytes = DNS_PAYLOAD_BYTES;
/* Whether the side that is asked is told of too. */
const volatile __u8 server = 0;

static __always_inline int is_dns_port(__u16 port)
{
	if (!port)
		return 0;
#pragma unroll
	for (int i = 0; i < PORTS; i++)
		if (port == ports[i])
			return 1;
	return 0;
}
