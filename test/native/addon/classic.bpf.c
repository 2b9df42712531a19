#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "license.h"

SEC("tp/syscalls/sys_enter_kill")
int on_kill(void *context)
{
	return 0;
}

SEC("tp/syscalls/sys_exit_kill")
int on_killed(void *context)
{
	return 0;
}

SEC("tp/syscalls/sys_enter_tgkill")
int on_kill_of_thread(void *context)
{
	return 0;
}

SEC("fentry/tcp_sendmsg")
int on_send(void *context)
{
	return 0;
}
