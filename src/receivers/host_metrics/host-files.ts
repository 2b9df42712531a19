import { closeSync, openSync, readSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { open, readdir } from 'node:fs/promises'

const START_BYTES = 128
const FIRST_READ_BYTES = 16 * 1024
const CHUNK_BYTES = 64 * 1024
/** No file of /proc or /sys that is read whole is larger, but for one that is not what it should be. */
const READ_LIMIT_BYTES = 8 * 1024 * 1024
/** What one list of sockets may come to, about 100,000 sockets a 16 MiB. */
const STREAM_LIMIT_BYTES = 256 * 1024 * 1024

/** The host's files, wherever they are mounted: `/proc/stat` is read at `root_path` + `/proc/stat`. Every read is bounded. */
export class HostFiles {
  /** Without a slash at its end; empty for the machine's own root. */
  readonly root: string
  readonly #start = Buffer.alloc(START_BYTES)

  constructor(rootPath: string) {
    this.root = rootPath.replace(/\/+$/, '')
  }

  path(path: string): string {
    return this.root + path
  }

  /** The whole file. Files of /proc tell no size, so it reads on until nothing comes. */
  async read(path: string, abort?: AbortSignal): Promise<Buffer> {
    const file = await open(this.path(path))
    try {
      return await readAll(file, path, abort)
    } finally {
      await file.close()
    }
  }

  /**
   * The first bytes of a file, at once. Only for files that the kernel makes without waiting for anything, and that there are many of:
   * a way through Node's threads and back takes six times as long as these system calls do (125 us against 19 us). Valid until the next call.
   */
  readStartNow(path: string): Buffer {
    const file = openSync(this.path(path), 'r')
    try {
      return this.#start.subarray(0, readSync(file, this.#start, 0, START_BYTES, null))
    } finally {
      closeSync(file)
    }
  }

  /** Like `read`, and undefined where the file does not exist. */
  async readIfThere(path: string, abort?: AbortSignal): Promise<Buffer | undefined> {
    return this.read(path, abort).catch(noneIfMissing)
  }

  /** Hands the file on piece by piece, for files that may be too large to hold. A chunk is valid during the call only. False where the file does not exist. */
  async stream(path: string, take: (chunk: Buffer) => void, abort?: AbortSignal): Promise<boolean> {
    const file = await open(this.path(path)).catch(noneIfMissing)
    if (file === undefined) return false
    try {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
      for (let total = 0; ;) {
        abort?.throwIfAborted()
        const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES)
        if (bytesRead === 0) return true
        total += bytesRead
        if (total > STREAM_LIMIT_BYTES) throw new Error(`${path} is larger than ${STREAM_LIMIT_BYTES} bytes`)
        take(chunk.subarray(0, bytesRead))
      }
    } finally {
      await file.close()
    }
  }

  list(path: string): Promise<string[]> {
    return readdir(this.path(path))
  }
}

async function readAll(file: FileHandle, path: string, abort: AbortSignal | undefined): Promise<Buffer> {
  let buffer = Buffer.allocUnsafe(FIRST_READ_BYTES)
  for (let length = 0; ;) {
    abort?.throwIfAborted()
    const { bytesRead } = await file.read(buffer, length, buffer.length - length)
    if (bytesRead === 0) return buffer.subarray(0, length)
    length += bytesRead
    if (length < buffer.length) continue
    if (length >= READ_LIMIT_BYTES) throw new Error(`${path} is larger than ${READ_LIMIT_BYTES} bytes`)
    buffer = Buffer.concat([buffer], Math.min(length * 4, READ_LIMIT_BYTES))
  }
}

function noneIfMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
