import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { Slab } from '../../../src/data/memory/slab.ts'
import { systemClock } from '../../../src/component/clock.ts'
import type { Clock } from '../../../src/component/clock.ts'
import type { LostRecords, Storage, StoredQueue } from '../../../src/component/storage.ts'
import { fileStorage } from '../../../src/extensions/file_storage/file-storage.ts'
import { systemFiles } from '../../../src/extensions/file_storage/files.ts'
import type { Files } from '../../../src/extensions/file_storage/files.ts'
import type { FileStorageConfig } from '../../../src/extensions/file_storage/options.ts'
import { TestContext } from '../../component/test-context.ts'

const folders: string[] = []
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'telegen-storage-'))
  folders.push(folder)
  return folder
}

export const CONFIG: Omit<FileStorageConfig, 'directory'> = {
  create_directory: true,
  directory_permissions: '0750',
  timeout: 0,
  fsync: true,
  max_size: 1024 * 1024 * 1024,
  segment_size: 64 * 1024,
}

export interface Opened {
  readonly context: TestContext<FileStorageConfig>
  readonly storage: Storage
  readonly lost: LostRecords[]
  readonly queue: (name?: string) => Promise<StoredQueue>
  readonly stop: () => Promise<void>
}

export interface OpenOptions {
  readonly config?: Partial<FileStorageConfig>
  readonly files?: Files
  readonly clock?: Clock
}

/** A started extension on `directory`. */
export async function opened(
  directory: string,
  { config, files = systemFiles, clock = systemClock }: OpenOptions = {},
): Promise<Opened> {
  const context = Object.assign(
    new TestContext<FileStorageConfig>('file_storage', { ...CONFIG, directory, ...config }),
    {
      clock,
      host: { ready: true, startTime: 0, statuses: () => [] },
    },
  )
  const extension = fileStorage(context as never, files)
  await extension.start?.()
  const { storage } = extension
  const lost: LostRecords[] = []
  return {
    context,
    storage,
    lost,
    queue: (name = 'exporter/test/traces') => storage.queue(name, (each) => void lost.push(each)),
    stop: async () => extension.stop?.(AbortSignal.timeout(5_000)),
  }
}

export const room = (bytes: number): Slab => new Slab(Buffer.alloc(bytes + 3))

/** The text of the next record, which is left unsettled; undefined where there is none. */
export async function take(queue: StoredQueue): Promise<{ key: number; text: string; items: number } | undefined> {
  const record = await queue.next(room)
  if (!record) return undefined
  const text = record.slab.buffer.toString('latin1', 0, record.length)
  record.slab.release()
  return { key: record.key, text, items: record.items }
}

/** All that is unread, settled as it comes. */
export async function drain(queue: StoredQueue): Promise<string[]> {
  const texts: string[] = []
  for (let record = await take(queue); record; record = await take(queue)) {
    texts.push(record.text)
    queue.settle(record.key)
  }
  return texts
}

export const put = (queue: StoredQueue, text: string, items = 1): Promise<number> =>
  queue.append([Buffer.from(text.slice(0, 2), 'latin1'), Buffer.from(text.slice(2), 'latin1')], items)

/** Waits until `condition` holds. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let turn = 0; turn < 2_000; turn++) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`waited in vain until ${what}`)
}
