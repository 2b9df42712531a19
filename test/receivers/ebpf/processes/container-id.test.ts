import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cgroupPath, containerId } from '../../../../src/receivers/ebpf/processes/container-id.ts'

const ID = '3f4e9b2c1d5a6f7081920a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f'
const OTHER = 'aa'.repeat(32)

describe('The container of a cgroup', () => {
  const forms: readonly (readonly [of: string, cgroup: string, id: string | undefined])[] = [
    ['docker, cgroup v1', `12:pids:/docker/${ID}\n1:name=systemd:/docker/${ID}`, ID],
    ['docker under systemd, cgroup2', `0::/system.slice/docker-${ID}.scope`, ID],
    ['docker, rootless', `0::/user.slice/user-1000.slice/user@1000.service/user.slice/docker-${ID}.scope`, ID],
    ['containerd by its own', `0::/default/${ID}`, ID],
    ['Kubernetes, cgroupfs', `11:memory:/kubepods/burstable/pod0f6a8d0e-1f2b-4c3d-9e8f-0a1b2c3d4e5f/${ID}`, ID],
    [
      'Kubernetes, systemd, containerd',
      `0::/kubepods.slice/kubepods-pod0f6a8d0e_1f2b.slice/cri-containerd-${ID}.scope`,
      ID,
    ],
    [
      'Kubernetes, containerd without its systemd driver',
      `1:name=systemd:/system.slice/containerd.service/kubepods-burstable-pod0f6a.slice:cri-containerd:${ID}`,
      ID,
    ],
    ['CRI-O', `0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice/crio-${ID}.scope`, ID],
    ['CRI-O with a cgroup inside', `0::/kubepods.slice/crio-${ID}.scope/container`, ID],
    ['the monitor of CRI-O', `0::/kubepods.slice/crio-conmon-${ID}.scope`, undefined],
    ['podman', `0::/machine.slice/libpod-${ID}.scope/container`, ID],
    ['podman, cgroupfs', `9:cpu:/libpod_parent/libpod-${ID}`, ID],
    ['the monitor of podman', `0::/machine.slice/libpod-conmon-${ID}.scope`, undefined],
    ['ECS', `4:memory:/ecs/9d0f1a2b3c4d5e6f708192a3b4c5d6e7/${ID}`, ID],
    ['Fargate', '0::/ecs/9d0f1a2b3c4d5e6f708192a3b4c5d6e7-1234567890', '9d0f1a2b3c4d5e6f708192a3b4c5d6e7-1234567890'],
    ['one container within another', `0::/docker/${OTHER}/docker/${ID}`, ID],
    ['another cgroup namespace', `0::/../../docker-${ID}.scope`, ID],
    ['a service', '0::/system.slice/nginx.service', undefined],
    ['a login', '0::/user.slice/user-1000.slice/session-3.scope', undefined],
    ['nothing', '0::/', undefined],
    ['something shorter', '4:memory:/process_api/ed8b39438e45392efcf4a94d04a0d9f2', undefined],
    ['not a cgroup', `docker ${ID}`, undefined],
  ]
  for (const [of, cgroup, id] of forms)
    test(`${of}: ${id === undefined ? 'none' : 'found'}`, () => assert.equal(containerId(cgroup), id))

  test('the path is that of cgroup2, else of the first hierarchy', () => {
    assert.equal(cgroupPath('4:memory:/a\n0::/b\n'), '/b')
    assert.equal(cgroupPath('4:memory:/a\n1:name=systemd:/c\n'), '/a')
    assert.equal(cgroupPath(''), undefined)
  })
})
