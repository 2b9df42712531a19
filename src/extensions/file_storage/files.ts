import { mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

export type File = Pick<FileHandle, 'read' | 'writev' | 'datasync' | 'sync' | 'truncate' | 'stat' | 'close'>

/** What the storage asks of the file system; a test gives one that fails. */
export interface Files {
  open(path: string, flags: string): Promise<File>
  makeFolder(path: string, mode?: number): Promise<void>
  list(path: string): Promise<string[]>
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  size(path: string): Promise<number>
}

/** Telemetry is nobody else's to read. */
const FILE_MODE = 0o600

export const systemFiles: Files = {
  open: (path, flags) => open(path, flags, FILE_MODE),
  makeFolder: async (path, mode) => void (await mkdir(path, { recursive: true, ...(mode !== undefined && { mode }) })),
  list: (path) => readdir(path),
  rename,
  remove: (path) => unlink(path),
  size: async (path) => (await stat(path)).size,
}

export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown'

export const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT'

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
export const isFull = (error: unknown): boolean => FULL.has(codeOf(error))

/** A part of the disk that cannot be read; others may. */
export const isUnreadable = (error: unknown): boolean => codeOf(error) === 'EIO'

/** Writes all of `row` at `position`; the system may take less than it was given. */
export async function writeAll(file: File, row: readonly Uint8Array[], position: number): Promise<void> {
  let left = row
  let at = position
  for (;;) {
    const wanted = left.reduce((sum, each) => sum + each.length, 0)
    if (wanted === 0) return
    const { bytesWritten } = await file.writev(left as Uint8Array[], at)
    if (bytesWritten === wanted) return
    if (bytesWritten === 0) throw new Error('the file system wrote nothing and did not say why')
    at += bytesWritten
    left = rest(left, bytesWritten)
  }
}

function rest(row: readonly Uint8Array[], written: number): Uint8Array[] {
  let skip = written
  return row.flatMap((each) => {
    const part = each.subarray(Math.min(skip, each.length))
    skip -= each.length - part.length
    return part.length > 0 ? [part] : []
  })
}

/** Reads into `target` until it is full or the file ends; how many bytes came. */
export async function readFully(file: File, target: Uint8Array, position: number): Promise<number> {
  let done = 0
  while (done < target.length) {
    const { bytesRead } = await file.read(target, done, target.length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return done
}
