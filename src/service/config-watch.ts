import { watch, statSync, readlinkSync } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Log } from '../component/context.ts'

/** Editors write a file in several steps, and several files come one after the other: a change counts when it has been quiet for so long, in milliseconds. */
const QUIET = 250
/** Where the system tells nothing (network file systems, no watches left), looking this often finds it, in milliseconds. */
const LOOK = 5_000
/** Links that one path may lead over. */
const MAX_LINKS = 40

export interface WatchOptions {
  /** What was read for the configuration that is in effect, or was refused last: files and folders, relative paths from `directory`. */
  readonly filesOf: () => { readonly files: ReadonlySet<string>; readonly directory: string }
  readonly onChange: () => void
  readonly log: Log
  readonly quiet?: number
  readonly look?: number
}

/**
 * Watches the files of a configuration. Not the files themselves, which editors replace and Kubernetes puts behind links that it
 * turns (`config.yaml -> ..data/config.yaml`, `..data -> ..2026_11_22/`), but the folders that lead to them: and what is there is compared by
 * what a look at the paths gives, so that an event for nothing changes nothing.
 */
export class ConfigWatch {
  readonly #options: WatchOptions
  readonly #watchers = new Map<string, FSWatcher>()
  #seen: ReadonlyMap<string, string>
  #quiet: NodeJS.Timeout | undefined
  #look: NodeJS.Timeout | undefined
  #warned = false

  constructor(options: WatchOptions) {
    this.#options = options
    this.#seen = this.#states()
  }

  start(): void {
    this.#check()
    this.#look = setInterval(() => this.#check(), this.#options.look ?? LOOK).unref()
  }

  stop(): void {
    clearInterval(this.#look)
    clearTimeout(this.#quiet)
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  #check(): void {
    // Folders appear and links turn: what leads to the files now may not have been watched.
    this.#watchFolders()
    const before = this.#seen
    this.#seen = this.#states()
    // What has become part of the configuration by a reload was read by it.
    const changed = [...this.#seen].some(([path, state]) => (before.get(path) ?? state) !== state)
    if (!changed) return
    clearTimeout(this.#quiet)
    this.#quiet = setTimeout(() => this.#options.onChange(), this.#options.quiet ?? QUIET).unref()
  }

  #paths(): string[] {
    const { files, directory } = this.#options.filesOf()
    return [...files].map((file) => resolve(directory, file))
  }

  #states(): ReadonlyMap<string, string> {
    return new Map(this.#paths().map((path) => [path, stateOf(path)]))
  }

  #watchFolders(): void {
    const wanted = new Set(this.#paths().flatMap(foldersOf))
    for (const [folder, watcher] of this.#watchers)
      if (!wanted.has(folder)) {
        watcher.close()
        this.#watchers.delete(folder)
      }
    for (const folder of wanted) if (!this.#watchers.has(folder)) this.#watch(folder)
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#check())
      const close = () => {
        watcher.close()
        if (this.#watchers.get(folder) === watcher) this.#watchers.delete(folder)
      }
      watcher.on('error', close)
      this.#watchers.set(folder, watcher)
    } catch (error) {
      // A folder that is away comes back, and is looked for every so often.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' || this.#warned) return
      this.#warned = true
      const every = this.#options.look ?? LOOK
      this.#options.log.warn(
        { folder, error: (error as Error).message },
        `The system does not tell of changes in the configuration's files; they are looked at every ${every} ms`,
      )
    }
  }
}

/** What a look at a path gives: another text where the file is another, or has been written to, or cannot be looked at. */
function stateOf(path: string): string {
  try {
    const { ino, size, mtimeNs } = statSync(path, { bigint: true })
    return `${ino} ${size} ${mtimeNs}`
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    // What is away, behind a closed folder or a link to itself is none now.
    return false
  }
}

/** The folders in which a path, and every link that it leads over, has its name; of a folder also itself. */
function foldersOf(path: string): string[] {
  const folders = new Set<string>()
  let at = path
  for (let links = 0; links < MAX_LINKS; links++) {
    for (let folder = dirname(at); ; folder = dirname(folder)) {
      folders.add(folder)
      if (linkOf(folder) === undefined) break
      folders.add(dirname(folder))
      folders.add(resolve(dirname(folder), linkOf(folder) as string))
    }
    const next = linkOf(at)
    if (next === undefined) break
    at = resolve(dirname(at), next)
  }
  if (isFolder(path)) folders.add(path)
  return [...folders]
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
