import type { Rung } from '../../../../native.ts'

const root = { kind: 'root cgroup' } as const

/** There is one way: packets, seen where they pass a cgroup's sockets. */
export const rungs: readonly Rung[] = [
  {
    name: 'cgroup',
    needs: ['ringbuf', 'cgroup_skb', 'cgroup_sock_addr'],
    object: 'dns/cgroup',
    attach: {
      dns_ingress: root,
      dns_egress: root,
      dns_connect4: root,
      dns_connect6: root,
      dns_sendmsg4: root,
      dns_sendmsg6: root,
    },
  },
]
