import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { offer, Storage } from '../../plugin.ts'
import type { Extension, ExtensionContext, Forget, OnRecordsLost, StoredQueue, StoredValue } from '../../plugin.ts'
import { damageReport } from './damage-report.ts'
import { DirectoryLock } from './directory-lock.ts'
import { Disk } from './disk.ts'
import { isMissing, systemFiles } from './files.ts'
import type { Files } from './files.ts'
import { folderName } from './folder-name.ts'
import { segmentBytesOf } from './options.ts'
import type { FileStorageConfig } from './options.ts'
import { SegmentQueue } from './stored-queue.ts'
import { DiskValue } from './stored-value.ts'

interface Open {
  close(): Promise<void>
}

export interface FileStorage extends Extension {
  readonly storage: Storage
}

/** Keeps queues and values in one directory: `queues/<name>/` and `values/<name>.a` and `.b`. */
export function fileStorage(context: ExtensionContext<FileStorageConfig>, files: Files = systemFiles): FileStorage {
  const storage = new DirectoryStorage(context, files)
  return {
    storage,
    offers: [offer(Storage, storage)],
    start: () => storage.start(),
    stop: () => storage.stop(),
  }
}

class DirectoryStorage implements Storage {
  readonly #context: ExtensionContext<FileStorageConfig>
  readonly #lock: DirectoryLock
  readonly #disk: Disk
  readonly #open = new Map<string, Open | undefined>()
  #forget: readonly Forget[] = []

  constructor(context: ExtensionContext<FileStorageConfig>, files: Files) {
    const { id, config, clock, log, meter, status } = context
    const { directory, fsync, max_size: maxBytes } = config
    this.#context = context
    this.#lock = new DirectoryLock(directory)
    this.#disk = new Disk({ id, directory, maxBytes, fsync, files, clock, log, meter, status })
  }

  async start(): Promise<void> {
    const { id, config, clock, meter } = this.#context
    await this.#prepare()
    await this.#lock.take(id, config.timeout, clock)
    await this.#disk.keepSpare()
    const gauge = (name: string, description: string, read: () => number) =>
      meter.gauge(name, { unit: 'By', description }, read, { extension: id })
    this.#forget = [
      gauge('telegen.storage.size', 'Bytes that the segments of all queues take on disk.', () => this.#disk.used),
      gauge('telegen.storage.limit', 'The most that they may take.', () => config.max_size),
    ]
  }

  /** Whoever used it has closed what he opened; what somebody forgot is closed here, so that nothing of it comes twice. */
  async stop(): Promise<void> {
    for (const open of this.#open.values()) await open?.close()
    await this.#disk.close()
    for (const forget of this.#forget) forget()
    this.#lock.release()
  }

  async queue(name: string, onLost?: OnRecordsLost): Promise<StoredQueue> {
    const { id, config, meter } = this.#context
    const folder = join(config.directory, 'queues', folderName(name))
    const queue = await this.#opened(`queue ${name}`, () =>
      SegmentQueue.open({
        name,
        folder,
        maxBytes: config.max_size,
        segmentBytes: segmentBytesOf(config),
        disk: this.#disk,
        onLost: damageReport(name, this.#context, onLost),
        onClosed: () => {
          forget()
          this.#open.delete(`queue ${name}`)
        },
      }),
    )
    const forget = meter.gauge(
      'telegen.storage.records',
      { unit: '{record}', description: 'Records of a queue on disk that are not settled.' },
      () => queue.records,
      { extension: id, name },
    )
    return queue
  }

  value(name: string): Promise<StoredValue> {
    const path = join(this.#context.config.directory, 'values', folderName(name))
    return this.#opened(`value ${name}`, async () => {
      await this.#disk.makeFolder(dirname(path))
      return new DiskValue({
        name,
        path,
        disk: this.#disk,
        onDamaged: () => damageReport(name, this.#context)('value', { records: 1, items: 0, path }),
        onClosed: () => this.#open.delete(`value ${name}`),
      })
    })
  }

  async #opened<T extends Open>(what: string, open: () => Promise<T>): Promise<T> {
    if (this.#open.has(what))
      throw new Error(`${what} of ${this.#context.id} is open already: it has one user at a time`)
    this.#open.set(what, undefined)
    try {
      const opened = await open()
      this.#open.set(what, opened)
      return opened
    } catch (error) {
      this.#open.delete(what)
      throw error
    }
  }

  async #prepare(): Promise<void> {
    const { directory, create_directory, directory_permissions } = this.#context.config
    try {
      if (!(await stat(directory)).isDirectory()) throw new Error(`${directory} is not a directory`)
    } catch (error) {
      if (!isMissing(error)) throw error
      if (!create_directory)
        throw new Error(`${directory} does not exist: make it, or set create_directory to true`, { cause: error })
      await this.#disk.makeFolder(directory, Number.parseInt(directory_permissions, 8))
    }
  }
}
