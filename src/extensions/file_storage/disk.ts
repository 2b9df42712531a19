import { basename, dirname, join } from 'node:path'
import { Refused } from '../../plugin.ts'
import type { Clock, Counter, Histogram, Log, Meter, StatusReporter, Timer } from '../../plugin.ts'
import { codeOf, isFull, writeAll } from './files.ts'
import type { File, Files } from './files.ts'

/** How often a disk that failed is tried again, in milliseconds. */
const PROBE_INTERVAL_MS = 2_000
/** What must find room before a full disk counts as recovered. */
const PROBE_BYTES = 256 * 1024
/** fsyncs at once: each holds one of the few threads that all file access and name resolution of the process share. */
const SYNCS_AT_ONCE = 2
/** When to come back where the directory has reached its size, in milliseconds. */
const COME_BACK_MS = 1_000

export interface DiskOptions {
  /** The extension's id. */
  readonly id: string
  readonly directory: string
  readonly maxBytes: number
  readonly fsync: boolean
  readonly files: Files
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
  readonly status: StatusReporter
}

interface Failure {
  readonly sentence: string
  readonly error: unknown
}

/** The directory and the disk below it: how much is used, whether it can be written to, and a try now and then while it cannot. */
export class Disk {
  readonly options: DiskOptions
  readonly #syncs: Histogram
  readonly #refusals: Counter
  readonly #watchers = new Set<() => void>()
  readonly #reclaimers = new Set<() => void>()
  readonly #waiting: (() => void)[] = []
  /** Kept open so that a queue can open its next segment when the process has no descriptor left. */
  #spare: File | undefined
  #syncing = 0
  #used = 0
  #failure: Failure | undefined
  #probe: Timer | undefined
  #closed = false

  constructor(options: DiskOptions) {
    this.options = options
    this.#syncs = options.meter.histogram('telegen.storage.sync.duration', {
      unit: 's',
      description: 'How long it took until what was written was on the disk.',
      value: 'double',
      boundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    })
    this.#refusals = options.meter.counter('telegen.storage.refused.records', {
      unit: '{record}',
      description: 'Records that found no room, or that the disk did not take.',
    })
  }

  get used(): number {
    return this.#used
  }

  /** Why nothing can be written now; a new refusal for each who is refused. */
  get failure(): Refused | undefined {
    return this.#failure && refusalOf(this.#failure)
  }

  take(bytes: number): void {
    this.#used += bytes
  }

  give(bytes: number): void {
    this.#used -= bytes
    if (bytes > 0) this.#tell()
  }

  /** Why `bytes` more would find no room, `pending` being promised already. */
  refusal(bytes: number, pending: number): Refused | undefined {
    const { maxBytes, directory } = this.options
    if (this.#failure) return this.failure
    if (this.#used + pending + bytes <= maxBytes) return undefined
    for (const reclaim of this.#reclaimers) reclaim()
    const words = `the storage in ${directory} has reached its max_size of ${maxBytes} bytes`
    return new Refused(words, { code: 'resource_exhausted', retry: { after: COME_BACK_MS } })
  }

  countRefused(reason: string, records: number): void {
    this.#refusals.add(records, { extension: this.options.id, reason })
  }

  /** `reclaim` is called when room is wanted. */
  onWanted(reclaim: () => void): () => void {
    this.#reclaimers.add(reclaim)
    return () => this.#reclaimers.delete(reclaim)
  }

  /** `watcher` is called after room was made or the disk has recovered. */
  onRoom(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /** Nothing can be written: `error` says why. All appends are refused until a probe has found out that it is over. */
  fail(error: unknown, doing: string): Refused {
    const { directory, log, status } = this.options
    const words = isFull(error)
      ? `the disk of ${directory} is full`
      : `the storage in ${directory} cannot be written to`
    const sentence = `${words}: ${doing}: ${error instanceof Error ? error.message : String(error)}`
    if (!this.#failure) {
      this.#failure = { sentence, error }
      log.error({ error: sentence }, 'The storage refuses until the disk takes data again')
      status.recoverable(sentence)
      this.#probeLater()
    }
    return refusalOf({ sentence, error })
  }

  async open(path: string, flags: string): Promise<File> {
    const { files } = this.options
    try {
      return await files.open(path, flags)
    } catch (error) {
      if (!this.#spare || (codeOf(error) !== 'EMFILE' && codeOf(error) !== 'ENFILE')) throw error
      await this.#letSpareGo()
      const file = await files.open(path, flags)
      await this.keepSpare()
      return file
    }
  }

  /** Opens for reading and writing; where it has to be made, its folder then knows it for good. */
  async openOrMake(path: string): Promise<File> {
    try {
      return await this.open(path, 'r+')
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
      const file = await this.open(path, 'wx+')
      await this.syncFolder(dirname(path))
      return file
    }
  }

  /** Makes a folder, and those above it, so that they are there after a power cut. */
  async makeFolder(path: string, mode?: number): Promise<void> {
    await this.options.files.makeFolder(path, mode)
    for (let at = dirname(path); at.startsWith(this.options.directory); at = dirname(at)) await this.syncFolder(at)
  }

  /** Until what was written is on the disk; a promise of the operating system's, where `fsync` is off. */
  async sync(file: File): Promise<void> {
    if (!this.options.fsync) return
    await this.#turn(() => file.datasync())
  }

  /** Until files that were made in a folder, or removed from it, are so on the disk. */
  async syncFolder(path: string): Promise<void> {
    if (!this.options.fsync) return
    const folder = await this.open(path, 'r')
    try {
      await this.#turn(() => folder.sync())
    } finally {
      await folder.close()
    }
  }

  /** Puts a file that cannot be read, and may be by another version, where nobody deletes it. */
  async setAside(path: string): Promise<void> {
    const { files, log } = this.options
    const folder = join(dirname(path), 'aside')
    await files.makeFolder(folder)
    const taken = new Set(await files.list(folder))
    let name = basename(path)
    for (let copy = 2; taken.has(name); copy++) name = `${basename(path)}.${copy}`
    await files.rename(path, join(folder, name))
    await this.syncFolder(folder)
    log.error(
      { path, aside: join(folder, name) },
      'A file of the storage was set aside; nothing of it is lost, and nothing of it is sent',
    )
  }

  async keepSpare(): Promise<void> {
    if (this.#spare || this.#closed) return
    // Without one left there is none to keep: the next time somebody needs it is the next chance.
    this.#spare = await this.options.files.open(this.options.directory, 'r').catch(() => undefined)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#probe?.cancel()
    await this.#letSpareGo()
  }

  async #letSpareGo(): Promise<void> {
    const spare = this.#spare
    this.#spare = undefined
    await spare?.close()
  }

  async #turn(sync: () => Promise<void>): Promise<void> {
    const { clock } = this.options
    while (this.#syncing >= SYNCS_AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#syncing++
    const began = clock.monotonic()
    try {
      await sync()
    } finally {
      this.#syncing--
      this.#syncs.record((clock.monotonic() - began) / 1_000, { extension: this.options.id })
      this.#waiting.shift()?.()
    }
  }

  #probeLater(): void {
    if (this.#probe || this.#closed) return
    this.#probe = this.options.clock.after(PROBE_INTERVAL_MS, () => void this.#tryAgain())
  }

  async #tryAgain(): Promise<void> {
    const { directory, files, log, status } = this.options
    const path = join(directory, 'probe')
    try {
      const file = await this.open(path, 'w')
      try {
        await writeAll(file, [Buffer.alloc(PROBE_BYTES)], 0)
        await this.sync(file)
      } finally {
        await file.close()
        await files.remove(path)
      }
    } catch (error) {
      this.#probe = undefined
      log.debug({ error: String(error) }, 'The disk still does not take data')
      return this.#probeLater()
    }
    this.#probe = undefined
    if (this.#closed) return
    this.#failure = undefined
    log.info({ directory }, 'The disk takes data again')
    status.ok()
    this.#tell()
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher()
  }
}

const refusalOf = ({ sentence, error }: Failure): Refused =>
  new Refused(sentence, {
    code: isFull(error) ? 'resource_exhausted' : 'unavailable',
    retry: { after: PROBE_INTERVAL_MS },
    cause: error,
  })
