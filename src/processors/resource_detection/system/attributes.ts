import * as os from 'node:os'
import type { Value } from '../../../plugin.ts'
import { describeCpu, parseCacheSize } from './cpu-description.ts'
import { parseOsRelease } from './os-release.ts'
import { readIfThere } from './read-if-there.ts'

/** An attribute that the system detector can find, and whether it does where nobody says. */
export interface SystemAttribute {
  readonly enabled: boolean
  readonly description: string
  /** The Collector's name of it, where that is another. */
  readonly formerly?: string
  /** Undefined where this machine does not tell. `host.name` has ways of its own. */
  readonly read?: () => Promise<Value | undefined>
}

/** What the semantic conventions call host and operating system resources. */
export const SYSTEM_ATTRIBUTES: Readonly<Record<string, SystemAttribute>> = {
  'host.name': { enabled: true, description: 'The name of the host, by `hostname_sources`.' },
  'host.id': { enabled: true, description: "The machine's id (machine-id(5)).", read: machineId },
  'host.arch': {
    enabled: true,
    description: 'The CPU architecture.',
    read: async () => ARCHITECTURES[process.arch] ?? process.arch,
  },
  'host.ip': { enabled: false, description: 'Addresses, but for loopback ones.', read: addresses },
  'host.mac': { enabled: false, description: 'Hardware addresses of network interfaces.', read: hardwareAddresses },
  'host.interface': {
    enabled: false,
    description: 'Names of network interfaces.',
    read: async () => listOf(interfaces().map(([name]) => name)),
  },
  'host.cpu.vendor.id': { enabled: false, description: "The CPU's maker.", read: () => cpu('host.cpu.vendor.id') },
  'host.cpu.family': { enabled: false, description: "The CPU's family.", read: () => cpu('host.cpu.family') },
  'host.cpu.model.id': { enabled: false, description: "The CPU's model.", read: () => cpu('host.cpu.model.id') },
  'host.cpu.model.name': { enabled: false, description: "The CPU's name.", read: () => cpu('host.cpu.model.name') },
  'host.cpu.stepping': { enabled: false, description: "The CPU's stepping.", read: () => cpu('host.cpu.stepping') },
  'host.cpu.cache.l2.size': { enabled: false, description: 'Size of the level 2 cache in bytes.', read: cacheSize },
  'os.type': {
    enabled: true,
    description: 'The operating system.',
    read: async () => SYSTEMS[process.platform] ?? process.platform,
  },
  'os.description': { enabled: true, description: 'The operating system for people.', read: describeSystem },
  'os.name': {
    enabled: false,
    description: "The distribution's name.",
    read: async () => (await release()).get('NAME'),
  },
  'os.version': {
    enabled: false,
    description: "The distribution's version.",
    read: async () => (await release()).get('VERSION_ID'),
  },
  'os.build_id': {
    enabled: false,
    description: "The distribution's build, or else the kernel.",
    formerly: 'os.build.id',
    read: async () => (await release()).get('BUILD_ID') ?? os.release(),
  },
}

/** `host.arch` by Node's name of the architecture, where they differ. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm: 'arm32', ia32: 'x86' }
/** `os.type` by Node's name of the platform, where they differ. */
const SYSTEMS: Readonly<Record<string, string>> = { win32: 'windows', sunos: 'solaris' }

async function machineId(): Promise<string | undefined> {
  for (const path of ['/etc/machine-id', '/var/lib/dbus/machine-id']) {
    const id = (await readIfThere(path))?.trim()
    // While an image boots for the first time, the file holds the word "uninitialized".
    if (id && /^[0-9a-f]{32}$/i.test(id)) return id
  }
  return undefined
}

/** `Debian GNU/Linux 12 (bookworm) (Linux web-1 6.1.0 #1 SMP x86_64)`, as the Collector writes it. */
async function describeSystem(): Promise<string> {
  const name = (await release()).get('PRETTY_NAME')
  const kernel = `${os.type()} ${os.hostname()} ${os.release()} ${os.version()} ${os.machine()}`
  return name ? `${name} (${kernel})` : kernel
}

async function release(): Promise<ReadonlyMap<string, string>> {
  return parseOsRelease((await readIfThere('/etc/os-release')) ?? (await readIfThere('/usr/lib/os-release')) ?? '')
}

const cpu = async (attribute: string) => describeCpu((await readIfThere('/proc/cpuinfo')) ?? '').get(attribute)

async function cacheSize(): Promise<number | undefined> {
  for (const index of [0, 1, 2, 3, 4]) {
    const folder = `/sys/devices/system/cpu/cpu0/cache/index${index}`
    const level = await readIfThere(`${folder}/level`)
    const size = level?.trim() === '2' ? await readIfThere(`${folder}/size`) : undefined
    if (size !== undefined) return parseCacheSize(size)
  }
  return undefined
}

/** Interfaces that are up, but for loopback. */
const interfaces = () =>
  Object.entries(os.networkInterfaces()).flatMap(([name, entries]) => {
    const outside = (entries ?? []).filter((entry) => !entry.internal)
    return outside.length === 0 ? [] : [[name, outside] as const]
  })

async function addresses(): Promise<Value | undefined> {
  return listOf(interfaces().flatMap(([, entries]) => entries.map(({ address }) => address)))
}

/** Upper-case and hyphenated, as the conventions want it. */
async function hardwareAddresses(): Promise<Value | undefined> {
  const macs = interfaces().flatMap(([, entries]) => entries.map(({ mac }) => mac.toUpperCase().replaceAll(':', '-')))
  return listOf(macs.filter((mac) => mac !== '00-00-00-00-00-00'))
}

const listOf = (values: readonly string[]): Value | undefined =>
  values.length === 0 ? undefined : [...new Set(values)]
