/* The socket tracer by two programs at every system call's entry and return, typed by BTF. The most portable way. */
#include "socket.h"
#include "syscalls.h"
#include "license.h"

#if defined(__TARGET_ARCH_x86)
#define NUMBER(regs) (regs)->orig_ax
#define ARGUMENTS(regs)                                                                                      \
	{                                                                                                    \
		(regs)->di, (regs)->si, (regs)->dx, (regs)->r10                                              \
	}
#elif defined(__TARGET_ARCH_arm64)
#define NUMBER(regs) (regs)->syscallno
#define ARGUMENTS(regs)                                                                                      \
	{                                                                                                    \
		(regs)->orig_x0, (regs)->regs[1], (regs)->regs[2], (regs)->regs[3]                           \
	}
#endif

SEC("tp_btf/sys_enter")
int BPF_PROG(socket_enter, struct pt_regs___call *regs, long number)
{
	if (sends(action_of(number)))
		enter(ACTION_NONE);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(socket_exit, struct pt_regs___call *regs, long returned)
{
	if (returned <= 0)
		return 0;
	__u8 action = action_of(NUMBER(regs));
	if (!action)
		return 0;
	struct arguments arguments = ARGUMENTS(regs);
	on_return(action, &arguments, returned);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(socket_state, struct sock *sk, int before, int after)
{
	on_state(sk, after);
	return 0;
}
