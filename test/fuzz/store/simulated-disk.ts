import { dirname } from 'node:path'
import type { File, Files } from '../../../src/extensions/file_storage/files.ts'
import type { Random } from '../random.ts'

const SECTOR = 512

/** Content as everybody sees it, and as it is after a power cut. */
interface Content {
  now: Buffer
  safe: Buffer
  /** Writes and truncations since the last sync. */
  changes: Change[]
}

interface Change {
  readonly at: number
  /** Undefined: the file was cut off at `at`. */
  readonly bytes: Buffer | undefined
}

/** A change of a folder that no sync has made safe yet. */
interface FolderChange {
  readonly folder: string
  readonly path: string
  /** Undefined: the name was removed. */
  readonly content: Content | undefined
}

export interface Faults {
  /** Bytes that all files may have; beyond, writes take what fits and then fail with ENOSPC. */
  capacity: number
  /** One in so many syncs and writes fails with EIO; 0: none. */
  errors: number
  /** One in so many writes takes less than it was given; 0: none. */
  shortWrites: number
  /** Syncs say that they are done, and do nothing. */
  lies: boolean
}

/**
 * A disk in memory that forgets what was not synced when the power is cut, as far as chance has it: whole writes, single sectors, the end
 * of a file, names of files. Every call takes some turns of the event loop, so that calls overlap.
 */
export class SimulatedDisk {
  readonly files: Files
  readonly faults: Faults = { capacity: Infinity, errors: 0, shortWrites: 0, lies: false }
  readonly #random: Random
  #names = new Map<string, Content>()
  #safeNames = new Map<string, Content>()
  #folders = new Set<string>()
  #folderChanges: FolderChange[] = []
  /** Calls of a process that was killed do nothing any more, and never settle. */
  #process = 0

  constructor(random: Random) {
    this.#random = random
    this.files = this.#newProcess()
  }

  /** Ends the process that uses the disk; what it had written stays. Returns the disk as the next process sees it. */
  kill(): Files {
    this.#process++
    return this.#newProcess()
  }

  /** Ends the process, and forgets what was not synced. */
  cutPower(): Files {
    this.#process++
    const random = this.#random
    const names = new Map(this.#safeNames)
    // A journal keeps changes of names in their order: a part of them from the first on is there.
    const kept = random.below(this.#folderChanges.length + 1)
    for (const { path, content } of this.#folderChanges.slice(0, kept)) {
      if (content) names.set(path, content)
      else names.delete(path)
    }
    this.#names = names
    for (const content of new Set(names.values())) {
      content.now = this.#afterPowerCut(content)
      content.safe = content.now
      content.changes = []
    }
    this.#safeNames = new Map(names)
    this.#folderChanges = []
    return this.#newProcess()
  }

  /** Names of all files. */
  names(): string[] {
    return [...this.#names.keys()].sort()
  }

  bytes(path: string): Buffer {
    return this.#content(path).now
  }

  /** What happens to a file while nobody has it open: damage, a copy, a stranger's file. Undefined removes it. */
  tamper(path: string, bytes: Buffer | undefined): void {
    if (bytes === undefined) {
      this.#names.delete(path)
      this.#safeNames.delete(path)
      return
    }
    const content = { now: bytes, safe: bytes, changes: [] }
    this.#names.set(path, content)
    this.#safeNames.set(path, content)
  }

  get used(): number {
    return [...this.#names.values()].reduce((sum, { now }) => sum + now.length, 0)
  }

  #newProcess(): Files {
    const mine = this.#process
    const call = <T>(work: () => T): Promise<T> => this.#call(mine, work)
    return {
      open: (path, flags) => call(() => this.#open(path, flags, call)),
      makeFolder: (path) => call(() => void this.#folders.add(path)),
      list: (path) => call(() => this.#list(path)),
      rename: (from, to) =>
        call(() => {
          const content = this.#content(from)
          this.#name(to, content)
          this.#name(from, undefined)
        }),
      remove: (path) =>
        call(() => {
          this.#content(path)
          this.#name(path, undefined)
        }),
      size: (path) => call(() => this.#content(path).now.length),
    }
  }

  async #call<T>(process: number, work: () => T): Promise<T> {
    for (let turns = this.#random.below(4); turns > 0; turns--) await Promise.resolve()
    if (this.#random.once(8)) await new Promise((resolve) => setImmediate(resolve))
    if (process !== this.#process) return new Promise<T>(() => {})
    return work()
  }

  #open(path: string, flags: string, call: <T>(work: () => T) => Promise<T>): File {
    if (this.#folders.has(path)) return this.#openFolder(call)
    const exclusive = flags.startsWith('wx')
    let content = this.#names.get(path)
    if (content && exclusive) throw failure('EEXIST', path)
    if (!content && flags.startsWith('r')) throw failure('ENOENT', path)
    if (!content) {
      if (!this.#folders.has(dirname(path))) throw failure('ENOENT', path)
      content = { now: Buffer.alloc(0), safe: Buffer.alloc(0), changes: [] }
      this.#name(path, content)
    } else if (flags.startsWith('w')) this.#cut(content, 0)
    return this.#handle(content, call)
  }

  #handle(content: Content, call: <T>(work: () => T) => Promise<T>): File {
    const sync = () =>
      call(() => {
        // As Linux does it: after a sync that failed, the pages are clean, and nobody knows what is on the disk.
        if (this.faults.lies) return
        const fails = this.#fails()
        content.safe = fails ? this.#afterPowerCut(content) : content.now
        content.changes = []
        if (fails) throw failure('EIO', 'fsync')
      })
    const handle = {
      read: (target: Uint8Array, offset: number, length: number, position: number) =>
        call(() => {
          const piece = content.now.subarray(position, position + length)
          target.set(piece, offset)
          return { bytesRead: piece.length, buffer: target }
        }),
      writev: (row: readonly Uint8Array[], position: number) =>
        call(() => ({ bytesWritten: this.#write(content, Buffer.concat(row), position), buffers: row })),
      datasync: sync,
      sync,
      truncate: (length = 0) => call(() => this.#cut(content, length)),
      stat: () => call(() => ({ size: content.now.length })),
      close: () => call(() => undefined),
    }
    return handle as unknown as File
  }

  #openFolder(call: <T>(work: () => T) => Promise<T>): File {
    const sync = () =>
      call(() => {
        if (this.#fails()) throw failure('EIO', 'fsync')
        // With a journal, a sync of one folder makes safe all that came before it.
        for (const change of this.#folderChanges) this.#settle(change)
        this.#folderChanges = []
      })
    return { sync, datasync: sync, close: () => call(() => undefined) } as unknown as File
  }

  #settle({ path, content }: FolderChange): void {
    if (content) this.#safeNames.set(path, content)
    else this.#safeNames.delete(path)
  }

  #name(path: string, content: Content | undefined): void {
    if (content) this.#names.set(path, content)
    else this.#names.delete(path)
    this.#folderChanges.push({ folder: dirname(path), path, content })
  }

  #write(content: Content, bytes: Buffer, position: number): number {
    if (this.#fails()) throw failure('EIO', 'write')
    const { capacity, shortWrites } = this.faults
    const grows = Math.max(0, position + bytes.length - content.now.length)
    const room = capacity - this.used
    let taken = bytes.length
    if (grows > room) taken = Math.max(0, bytes.length - (grows - Math.max(0, room)))
    else if (shortWrites > 0 && this.#random.once(shortWrites)) taken = 1 + this.#random.below(bytes.length)
    if (taken === 0 && bytes.length > 0) throw failure('ENOSPC', 'write')
    this.#apply(content, { at: position, bytes: bytes.subarray(0, taken) })
    return taken
  }

  #cut(content: Content, length: number): void {
    this.#apply(content, { at: length, bytes: undefined })
  }

  #apply(content: Content, change: Change): void {
    content.now = applied(content.now, change)
    content.changes.push(change)
  }

  #fails(): boolean {
    return this.faults.errors > 0 && this.#random.once(this.faults.errors)
  }

  #content(path: string): Content {
    const content = this.#names.get(path)
    if (!content) throw failure('ENOENT', path)
    return content
  }

  #list(path: string): string[] {
    if (!this.#folders.has(path)) throw failure('ENOENT', path)
    const inside = (name: string) => name.startsWith(`${path}/`) && !name.slice(path.length + 1).includes('/')
    return [...this.#names.keys(), ...this.#folders].filter(inside).map((name) => name.slice(path.length + 1))
  }

  /** What is left of a file: of each change since the last sync all, nothing, or some sectors, in any order. */
  #afterPowerCut({ safe, changes }: Content): Buffer {
    const random = this.#random
    let bytes = safe
    for (const change of changes) {
      const fate = random.below(4)
      if (fate === 0) continue
      if (fate === 1 || change.bytes === undefined) {
        bytes = applied(bytes, change)
        continue
      }
      const { at, bytes: written } = change
      const before = bytes
      bytes = applied(bytes, change)
      // The file may have got its length and not its content.
      if (fate === 3 && random.once(2))
        bytes = bytes.subarray(0, Math.max(before.length, at + random.below(written.length + 1)))
      for (let from = at; from < bytes.length && from < at + written.length;) {
        const to = Math.min(bytes.length, at + written.length, from + SECTOR - (from % SECTOR))
        if (random.once(2)) {
          bytes.fill(0, from, to)
          if (from < before.length) before.copy(bytes, from, from, Math.min(to, before.length))
        }
        from = to
      }
    }
    return bytes
  }
}

function applied(bytes: Buffer, change: Change): Buffer {
  if (change.bytes === undefined)
    return change.at <= bytes.length
      ? Buffer.concat([bytes.subarray(0, change.at)])
      : Buffer.concat([bytes, Buffer.alloc(change.at - bytes.length)])
  const after = Buffer.alloc(Math.max(bytes.length, change.at + change.bytes.length))
  bytes.copy(after)
  change.bytes.copy(after, change.at)
  return after
}

const failure = (code: string, doing: string): Error =>
  Object.assign(new Error(`${code}: simulated, ${doing}`), { code })
