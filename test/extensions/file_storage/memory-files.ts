import { basename, dirname } from 'node:path'
import type { File, Files } from '../../../src/extensions/file_storage/files.ts'

interface Inode {
  /** What a reader sees. */
  data: Buffer
  /** What is on the disk for sure. */
  durable: Buffer
  /** Changes that may or may not be on the disk. */
  unsynced: Change[]
}

interface Change {
  readonly at: number
  readonly bytes: Buffer | 'truncate'
}

interface Folder {
  readonly now: Map<string, Inode>
  readonly durable: Map<string, Inode>
}

export type Operation = 'open' | 'make' | 'write' | 'sync' | 'read' | 'truncate' | 'remove' | 'rename' | 'folder'

export const failure = (code: string): Error => Object.assign(new Error(`${code}: made by the test`), { code })

/**
 * A file system in memory that knows what a power cut may leave: of each file and folder what was synced, and of everything since then
 * any part.
 */
export class MemoryFiles implements Files {
  readonly folders = new Map<string, Folder>()
  operations = 0
  /** Called before each operation. */
  watch: (operation: number) => void = () => {}
  /** What an operation fails with, if it does. */
  fault: (operation: Operation, path: string, range?: readonly [from: number, to: number]) => Error | undefined = () =>
    undefined

  async makeFolder(path: string): Promise<void> {
    await this.#begin('folder', path)
    for (let at = path; !this.folders.has(at); at = dirname(at)) {
      this.folders.set(at, { now: new Map(), durable: new Map() })
      if (at === dirname(at)) break
    }
  }

  async list(path: string): Promise<string[]> {
    return [...this.#folder(path).now.keys()]
  }

  async size(path: string): Promise<number> {
    return this.#find(path).data.length
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#begin('rename', from)
    const inode = this.#find(from)
    this.#folder(dirname(from)).now.delete(basename(from))
    this.#folder(dirname(to)).now.set(basename(to), inode)
  }

  async remove(path: string): Promise<void> {
    await this.#begin('remove', path)
    this.#find(path)
    this.#folder(dirname(path)).now.delete(basename(path))
  }

  async open(path: string, flags: string): Promise<File> {
    await this.#begin(flags.startsWith('w') ? 'make' : 'open', path)
    if (this.folders.has(path)) return this.#folderFile(path)
    const { now } = this.#folder(dirname(path))
    const known = now.get(basename(path))
    if (flags.startsWith('wx') && known) throw failure('EEXIST')
    if (!flags.startsWith('w') && !known) throw failure('ENOENT')
    const inode = known ?? { data: Buffer.alloc(0), durable: Buffer.alloc(0), unsynced: [] }
    now.set(basename(path), inode)
    return this.#file(inode, path)
  }

  /** What a process finds that is started after this one was killed: everything; after a power cut, what `keeps` decides. */
  after(keeps: (() => number) | 'everything'): MemoryFiles {
    const left = new MemoryFiles()
    const copies = new Map<Inode, Inode>()
    const copy = (inode: Inode): Inode => {
      const data = keeps === 'everything' ? Buffer.from(inode.data) : survivor(inode, keeps)
      const made = copies.get(inode) ?? { data, durable: Buffer.from(data), unsynced: [] }
      copies.set(inode, made)
      return made
    }
    for (const [path, { now, durable }] of this.folders) {
      const names = new Set([...now.keys(), ...durable.keys()])
      const kept = [...names].flatMap((name): [string, Inode][] => {
        const [new_, old] = [now.get(name), durable.get(name)]
        const inode = keeps === 'everything' || new_ === old || keeps() < 0.5 ? new_ : old
        return inode ? [[name, copy(inode)]] : []
      })
      left.folders.set(path, { now: new Map(kept), durable: new Map(kept) })
    }
    return left
  }

  /** The bytes of a file, for a test to damage. */
  bytes(path: string): Buffer {
    return this.#find(path).data
  }

  put(path: string, data: Buffer): void {
    this.#folder(dirname(path)).now.set(basename(path), { data, durable: Buffer.from(data), unsynced: [] })
  }

  #file(inode: Inode, path: string): File {
    const file: Partial<Record<keyof File, unknown>> = {
      read: async (target: Buffer, offset: number, length: number, position: number) => {
        await this.#begin('read', path, [position, position + length])
        return { bytesRead: inode.data.copy(target, offset, position, Math.min(inode.data.length, position + length)) }
      },
      writev: async (row: readonly Uint8Array[], position: number) => {
        const bytes = Buffer.concat(row)
        try {
          await this.#begin('write', path)
        } catch (error) {
          change(inode, { at: position, bytes: bytes.subarray(0, bytes.length >> 1) })
          throw error
        }
        change(inode, { at: position, bytes })
        return { bytesWritten: bytes.length }
      },
      datasync: async () => {
        try {
          await this.#begin('sync', path)
        } catch (error) {
          // The kernel takes the pages for clean, although they never came to the disk.
          inode.unsynced = []
          throw error
        }
        for (const each of inode.unsynced) inode.durable = applied(inode.durable, each)
        inode.unsynced = []
      },
      truncate: async (length: number) => {
        await this.#begin('truncate', path)
        change(inode, { at: length, bytes: 'truncate' })
      },
      stat: async () => ({ size: inode.data.length }),
      close: async () => {},
    }
    return file as File
  }

  #folderFile(path: string): File {
    const folder = this.#folder(path)
    const file: Partial<Record<keyof File, unknown>> = {
      sync: async () => {
        await this.#begin('sync', path)
        folder.durable.clear()
        for (const [name, inode] of folder.now) folder.durable.set(name, inode)
      },
      close: async () => {},
    }
    return file as File
  }

  async #begin(operation: Operation, path: string, range?: readonly [number, number]): Promise<void> {
    await Promise.resolve()
    this.watch(this.operations++)
    const fault = this.fault(operation, path, range)
    if (fault) throw fault
  }

  #folder(path: string): Folder {
    const folder = this.folders.get(path)
    if (!folder) throw failure('ENOENT')
    return folder
  }

  #find(path: string): Inode {
    const inode = this.#folder(dirname(path)).now.get(basename(path))
    if (!inode) throw failure('ENOENT')
    return inode
  }
}

function change(inode: Inode, change: Change): void {
  inode.data = applied(inode.data, change)
  inode.unsynced.push(change)
}

function applied(data: Buffer, { at, bytes }: Change): Buffer {
  if (bytes === 'truncate') return Buffer.from(data.subarray(0, at))
  const grown = data.length >= at + bytes.length ? data : Buffer.alloc(at + bytes.length)
  if (grown !== data) data.copy(grown)
  bytes.copy(grown, at)
  return grown
}

/** Each change came to the disk as a whole, in part, or not at all. */
function survivor({ durable, unsynced }: Inode, keeps: () => number): Buffer {
  return unsynced.reduce<Buffer>((data, each) => {
    const share = keeps()
    if (share < 0.3) return data
    if (share < 0.6 || each.bytes === 'truncate') return applied(data, each)
    const from = Math.floor(keeps() * each.bytes.length)
    const to = from + Math.floor(keeps() * (each.bytes.length - from))
    return applied(data, { at: each.at + from, bytes: each.bytes.subarray(from, to) })
  }, Buffer.from(durable))
}
