/**
 * The container that a cgroup's path is of, as docker, containerd, CRI-O, podman, Kubernetes and ECS write them. The innermost one counts: a
 * runtime may run in a container itself. Undefined where there is none.
 */
export function containerId(cgroup: string): string | undefined {
  for (const line of cgroup.split('\n')) {
    // `hierarchy:controllers:path`; containerd's own form has colons in the path.
    const path = /^\d+:[^:]*:(.*)$/.exec(line)?.[1]
    const found = path === undefined ? undefined : ofPath(path)
    if (found !== undefined) return found
  }
  return undefined
}

/** The path in the hierarchy of cgroup2; where there is none, the first. */
export function cgroupPath(cgroup: string): string | undefined {
  return (/^0::(.*)$/m.exec(cgroup) ?? /^\d+:[^:]*:(.*)$/m.exec(cgroup))?.[1]
}

function ofPath(path: string): string | undefined {
  for (const part of path.split('/').toReversed()) {
    // The monitor of a container is not in it.
    if (MONITOR.test(part)) return undefined
    const found = CONTAINER.exec(part)?.groups?.['id'] ?? FARGATE.exec(part)?.[0]
    if (found !== undefined) return found
  }
  return undefined
}

/** `<id>`, `docker-<id>.scope`, `cri-containerd-<id>.scope`, `crio-<id>`, `libpod-<id>.scope`, `kubepods-….slice:cri-containerd:<id>`. */
const CONTAINER = /^(?:[\w.-]+:)?(?:[a-z][a-z-]*[-:])?(?<id>[0-9a-f]{64})(?:\.scope)?$/
const MONITOR = /conmon-[0-9a-f]{64}/
/** A task's id and a number, as Fargate has them. */
const FARGATE = /^[0-9a-f]{32}-\d{9,10}$/
