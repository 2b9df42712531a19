export interface Signs {
  /** /proc/self/cgroup */
  readonly cgroups: string
  /** /proc/self/mountinfo */
  readonly mountinfo: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly exists: (path: string) => boolean
  /** What systemd found: /run/systemd/container. */
  readonly systemd: string | undefined
}

/** By what runtimes put into the paths of cgroups and mounts. */
const PATHS: readonly (readonly [RegExp, string])[] = [
  [/\bkubepods\b/, 'kubernetes'],
  [/\blibpod\b/, 'podman'],
  [/\bcri-containerd\b|\/containerd\//, 'containerd'],
  [/\bcrio\b/, 'cri-o'],
  [/\/docker[-/]|\/docker\/containers\//, 'docker'],
  [/\/lxc\b/, 'lxc'],
]
const ID = /(?:^|[^0-9a-f])([0-9a-f]{64})(?:$|[^0-9a-f])/

/** Whether this process is in a container, by the signs that runtimes leave. None is a proof that it is in none. */
export function containerOf(signs: Signs): { runtime: string; id: string | null } | null {
  const runtime = runtimeOf(signs)
  if (runtime === undefined) return null
  return { runtime, id: ID.exec(signs.cgroups)?.[1] ?? ID.exec(hostnameMount(signs))?.[1] ?? null }
}

function runtimeOf(signs: Signs): string | undefined {
  if (signs.environment['KUBERNETES_SERVICE_HOST'] !== undefined) return 'kubernetes'
  if (signs.exists('/run/.containerenv')) return 'podman'
  if (signs.exists('/.dockerenv')) return 'docker'
  const paths = `${signs.cgroups}\n${hostnameMount(signs)}`
  return PATHS.find(([pattern]) => pattern.test(paths))?.[1] ?? (signs.systemd || undefined)
}

/** In a cgroup namespace of its own a container sees `/`, but the file that is bound over /etc/hostname lies in its folder on the host. */
const hostnameMount = ({ mountinfo }: Signs): string =>
  mountinfo.split('\n').find((line) => line.includes(' /etc/hostname ')) ?? ''
