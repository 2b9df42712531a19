import type { LostRecords } from '../../../src/component/storage.ts'
import { Disk } from '../../../src/extensions/file_storage/disk.ts'
import type { OnLost } from '../../../src/extensions/file_storage/ledger.ts'
import { SegmentQueue } from '../../../src/extensions/file_storage/stored-queue.ts'
import { TestContext } from '../../component/test-context.ts'
import type { MemoryFiles } from './memory-files.ts'

export const DIRECTORY = '/storage'
export const FOLDER = '/storage/queues/test'

type Loss = Pick<LostRecords, 'records' | 'items'> & { readonly reason: Parameters<OnLost>[0] }

/** A queue over files in memory, without the extension around it. */
export async function bareQueue(files: MemoryFiles, { segmentBytes = 400, maxBytes = 1024 * 1024 } = {}) {
  const context = new TestContext('file_storage', {})
  const { clock, log, meter, status } = context
  await files.makeFolder(DIRECTORY)
  const disk = new Disk({
    id: 'file_storage',
    directory: DIRECTORY,
    maxBytes,
    fsync: true,
    files,
    clock,
    log,
    meter,
    status,
  })
  const lost: Loss[] = []
  const queue = await SegmentQueue.open({
    name: 'test',
    folder: FOLDER,
    maxBytes,
    segmentBytes,
    disk,
    onLost: (reason, { records, items }) => void lost.push({ reason, records, items }),
    onClosed: () => {},
  })
  return { queue, disk, context, clock, lost }
}

export const lostRecords = (lost: readonly Loss[]): number => lost.reduce((sum, { records }) => sum + records, 0)
