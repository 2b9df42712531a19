import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Addon } from './addon.ts'

export type LoadedAddon =
  | { readonly kind: 'loaded'; readonly addon: Addon; readonly folder: string }
  /** `reason` is a sentence: what is missing, and how to get it. */
  | { readonly kind: 'unavailable'; readonly reason: string; readonly folder: string }

/** What the addon's functions are, as `addon.ts` has them: another version is another package's. */
const ADDON_VERSION = '0.1.0'

const PACKAGES =
  'apt-get install --no-install-recommends clang llvm libbpf-dev libelf-dev zlib1g-dev linux-libc-dev g++ make python3'

/** Libraries that the addon needs at run time, and the packages of Debian and Fedora that have them. */
const LIBRARIES: readonly (readonly [library: string, debian: string, fedora: string])[] = [
  ['libbpf.so', 'libbpf1', 'libbpf'],
  ['libelf.so', 'libelf1', 'elfutils-libelf'],
  ['libz.so', 'zlib1g', 'zlib'],
  ['libstdc++.so', 'libstdc++6', 'libstdc++'],
]

const requireAddon = createRequire(import.meta.url)

/**
 * The native part of Telegen, or why it is not there. Never throws. In every thread the same; the second call costs nothing.
 * `folder` has `telegen.node` and `bpf/`.
 */
export function loadAddon(folder: string = prebuiltFolder()): LoadedAddon {
  const unavailable = (reason: string): LoadedAddon => ({ kind: 'unavailable', reason, folder })
  if (process.platform !== 'linux') return unavailable(`eBPF is of Linux, and this is ${process.platform}`)
  const file = join(folder, 'telegen.node')
  try {
    if (!existsSync(file)) return unavailable(whyNotBuilt(folder))
    const addon = requireAddon(file) as Addon
    const { addon: version } = addon.versions
    if (version !== ADDON_VERSION)
      return unavailable(`${file} is of version ${version} and not ${ADDON_VERSION}: run scripts/build-native`)
    return { kind: 'loaded', addon, folder }
  } catch (thrown) {
    return unavailable(whyNotLoaded(file, thrown))
  }
}

/** Where the native part lies: what TELEGEN_PREBUILT names, else `prebuilt/linux-<architecture>` of Telegen's own package. */
export function prebuiltFolder(): string {
  const { TELEGEN_PREBUILT: named } = process.env
  return named ? resolve(named) : join(packageFolder(), 'prebuilt', `linux-${process.arch}`)
}

/** The nearest folder with a package.json, from the source as from whatever depth the bundle has put this at. */
function packageFolder(): string {
  const own = dirname(fileURLToPath(import.meta.url))
  for (let folder = own; folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(join(folder, 'package.json'))) return folder
  return own
}

function whyNotBuilt(folder: string): string {
  const note = join(folder, 'missing.txt')
  if (existsSync(note)) {
    const missing = readFileSync(note, 'utf8').trim()
    return `the native part was not built, for want of ${missing}; on Debian and Ubuntu: ${PACKAGES}; then scripts/build-native`
  }
  const others = platforms(dirname(folder))
  if (!process.env['TELEGEN_PREBUILT'] && others.length > 0)
    return `this package has its native part for ${others.join(', ')} and not for linux-${process.arch}: scripts/build-native of a checkout makes it`
  return `${join(folder, 'telegen.node')} is missing: scripts/build-native of a checkout makes it`
}

function platforms(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder).filter((platform) => existsSync(join(folder, platform, 'telegen.node')))
}

function whyNotLoaded(file: string, thrown: unknown): string {
  const { message, code } = thrown as NodeJS.ErrnoException
  if (code === 'ERR_DLOPEN_DISABLED') return 'Node was started with --no-addons'
  const library = LIBRARIES.find(([name]) => message.includes(name) && /cannot open|No such file/.test(message))
  if (library) {
    const [name, debian, fedora] = library
    const exact = new RegExp(`${name.replaceAll(/[.+]/g, '\\$&')}[.0-9]*`).exec(message)?.[0] ?? name
    return `${exact} is not installed: apt-get install ${debian} (Debian, Ubuntu), dnf install ${fedora} (Fedora, RHEL)`
  }
  const libc = /version `(GLIBC(?:XX)?_[.0-9]+)' not found/.exec(message)?.[1]
  if (libc)
    return `${file} was built for a newer system (${libc} is not here): scripts/build-native of a checkout makes one for this`
  if (message.includes('ld-linux') || message.includes('musl'))
    return `${file} was built for glibc: scripts/build-native of a checkout makes one for this system`
  return `${file} cannot be loaded: ${message.split('\n', 1)[0]}`
}
