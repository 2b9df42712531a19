/*
 * Makes events as fast as it is asked to: each call of a system call by one
 * process becomes `burst` of them. What `npm run bench -- ebpf ring` reads.
 * Shares the ring, and how readers are woken, with all tracers.
 */
#include "event.h"
#include "license.h"

#define EVENT_BENCH 0x0f01

struct bench_event {
  struct event_header header;
  __u64 sequence;
  __u64 payload[4];
};

const volatile __u32 generator_pid;
const volatile __u32 generator_call;
const volatile __u32 burst = 1;

static __u64 sequence;

SEC("tp_btf/sys_enter")
int generate(__u64 *context) {
  if (bpf_get_current_pid_tgid() >> 32 != generator_pid ||
      context[1] != generator_call)
    return 0;
  for (__u32 i = 0; i < 64; i++) {
    if (i >= burst)
      break;
    struct bench_event *event = reserve_event(sizeof(*event));
    if (!event)
      continue;
    write_header(&event->header, EVENT_BENCH, 1, sizeof(*event));
    event->sequence = sequence++;
    submit_event(event);
  }
  return 0;
}
