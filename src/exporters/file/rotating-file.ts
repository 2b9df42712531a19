import { constants } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock, Log } from '../../plugin.ts'
import { prune, putAside } from './backups.ts'
import type { FileConfig } from './options.ts'

const MIB = 2 ** 20
const OWNER_ONLY = 0o600

interface Opened {
  readonly handle: FileHandle
  /** Bytes in it, all of them of whole records. */
  size: number
  /** What is no file, such as a terminal, cannot be cut, put aside or synchronised. */
  readonly isFile: boolean
}

/** A file that is written record by record, and put aside when it has become large. One call at a time. */
export class RotatingFile {
  readonly #config: FileConfig
  readonly #clock: Clock
  readonly #log: Log
  #opened: Opened | undefined

  constructor(config: FileConfig, clock: Clock, log: Log) {
    this.#config = config
    this.#clock = clock
    this.#log = log
  }

  /** Where nothing else is wanted, what an earlier run wrote is thrown away, as the Collector does. */
  async open(): Promise<void> {
    const { path, append, rotation, create_directory, directory_permissions } = this.#config
    if (create_directory)
      await mkdir(dirname(path), { recursive: true, mode: Number.parseInt(directory_permissions, 8) })
    this.#opened = await openFile(path, append || rotation !== undefined)
    await this.#prune()
  }

  /** Appends a record, whole or not at all. */
  async write(pieces: readonly Buffer[]): Promise<void> {
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0)
    const opened = await this.#roomFor(bytes)
    try {
      await writeAll(opened.handle, pieces, bytes)
    } catch (error) {
      // The part that found room would spoil the record after it.
      if (opened.isFile) await opened.handle.truncate(opened.size)
      throw error
    }
    opened.size += bytes
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    if (opened === undefined) return
    try {
      if (opened.isFile) await opened.handle.sync()
    } finally {
      await opened.handle.close()
    }
  }

  /** A record larger than a file may be gets one of its own. */
  async #roomFor(bytes: number): Promise<Opened> {
    const { rotation, path } = this.#config
    // It is missing where it could not be opened again after the last one had been put aside.
    const opened = (this.#opened ??= await openFile(path, true))
    const isFull = rotation !== undefined && opened.size > 0 && opened.size + bytes > rotation.max_megabytes * MIB
    if (!isFull || !opened.isFile) return opened
    await this.close()
    await putAside(path, rotation, this.#clock.now())
    this.#opened = await openFile(path, true)
    await this.#prune()
    return this.#opened
  }

  async #prune(): Promise<void> {
    const { path, rotation } = this.#config
    if (rotation === undefined) return
    try {
      await prune(path, rotation, this.#clock.now())
    } catch (error) {
      this.#log.warn({ error, path }, 'Deleting old files failed; the next rotation tries again')
    }
  }
}

async function openFile(path: string, keep: boolean): Promise<Opened> {
  const { O_WRONLY, O_CREAT, O_APPEND, O_TRUNC } = constants
  const handle = await open(path, O_WRONLY | O_CREAT | O_APPEND | (keep ? 0 : O_TRUNC), OWNER_ONLY)
  const about = await handle.stat()
  return { handle, size: about.size, isFile: about.isFile() }
}

/** The system may take less than it is given, and take the rest at the next call. */
async function writeAll(handle: FileHandle, pieces: readonly Buffer[], bytes: number): Promise<void> {
  let { bytesWritten } = await handle.writev(pieces)
  if (bytesWritten === bytes) return
  const whole = Buffer.concat(pieces)
  while (bytesWritten < bytes) bytesWritten += (await handle.write(whole, bytesWritten)).bytesWritten
}
