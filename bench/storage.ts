/**
 * What does a queue on disk cost over the bare disk? 64 appenders of records of 100 KB (512 spans) that are settled as soon as they are
 * durable, in turns with plain writes and fdatasyncs of the same bytes in groups of the same size. Then a backlog: how fast it is read
 * back, how long a start takes with it, and what memory it takes. `--quick` takes a third; `--small` records of 1 KB;
 * `--directory=/mnt/x` another disk than the one with temporary files.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/component/clock.ts'
import { checksumOf } from '../src/extensions/file_storage/checksum.ts'
import { fileStorage } from '../src/extensions/file_storage/file-storage.ts'
import { Metrics } from '../src/graph/metrics.ts'
import { Slab } from '../src/data/memory/slab.ts'
import type { ExtensionContext, StoredQueue } from '../src/plugin.ts'

const GIB = 1024 ** 3
const MIB = 1024 ** 2
const APPENDERS = 64
const ROUNDS = 6
const WINDOW_BYTES = 256 * MIB
const BACKLOG_BYTES = 1.5 * GIB
const silent = { debug() {}, info() {}, warn() {}, error() {} }

interface Sample {
  /** Bytes in a second. */
  readonly rate: number
  /** Microseconds of the processor for a record. */
  readonly cost: number
}

export default async function storage(options: readonly string[]): Promise<void> {
  const share = options.includes('--quick') ? 1 / 3 : 1
  const bytes = options.includes('--small') ? 1_000 : 100_000
  const parent = options.find((option) => option.startsWith('--directory='))?.slice('--directory='.length) ?? tmpdir()
  const folder = mkdtempSync(join(parent, 'telegen-bench-'))
  const record = [Buffer.alloc(60, 1), Buffer.alloc(bytes - 60, 2)]
  const records = Math.ceil((WINDOW_BYTES * share * (bytes < 10_000 ? 0.1 : 1)) / bytes)
  try {
    const runs = [
      { name: 'bare disk', run: () => bareDisk(folder, record, records) },
      { name: 'queue, fsync', run: () => appended(folder, record, records, true) },
      { name: 'queue, no fsync', run: () => appended(folder, record, records, false) },
    ]
    const samples = runs.map((): Sample[] => [])
    for (let round = 0; round < ROUNDS; round++)
      for (const [index, { run }] of runs.entries()) samples[index]?.push(await run())
    const rates = samples.map((each) => median(each.map(({ rate }) => rate)))
    for (const [index, { name }] of runs.entries()) {
      const cost = median(samples[index]?.map((each) => each.cost) ?? [])
      const part = ((rates[index] as number) / (rates[0] as number)).toFixed(2)
      console.log(
        `${name.padEnd(16)} ${perSecond(rates[index] as number, bytes)}, ${cost.toFixed(0)} us of CPU each, ${part} of the bare disk`,
      )
    }
    checksums()
    await backlog(folder, record, Math.ceil((BACKLOG_BYTES * share * (bytes < 10_000 ? 0.1 : 1)) / bytes))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Groups as large as those that 64 appenders make. */
async function bareDisk(folder: string, record: readonly Buffer[], records: number): Promise<Sample> {
  const file = await open(join(folder, 'bare'), 'w')
  const group = Array.from({ length: APPENDERS }, () => record).flat()
  const bytes = group.reduce((sum, { length }) => sum + length, 0)
  const measured = await measure(records, bytes / APPENDERS, async () => {
    for (let done = 0; done < records; done += APPENDERS) {
      await file.writev(group, (done / APPENDERS) * bytes)
      await file.datasync()
    }
  })
  await file.close()
  return measured
}

async function appended(folder: string, record: readonly Buffer[], records: number, fsync: boolean): Promise<Sample> {
  const { queue, stop } = await opened(join(folder, 'queue'), fsync)
  let left = records
  const append = async () => {
    while (left-- > 0) {
      const key = await queue.append(record, 512)
      if (!queue.claim(key)) throw new Error('a record could not be claimed')
      queue.settle(key)
    }
  }
  const measured = await measure(records, sizeOf(record), () => Promise.all(Array.from({ length: APPENDERS }, append)))
  await stop()
  return measured
}

/** A backlog of many records: appended, found by a new start, and read back. */
async function backlog(folder: string, record: readonly Buffer[], records: number): Promise<void> {
  const directory = join(folder, 'backlog')
  const first = await opened(directory, false)
  const before = resident()
  for (let done = 0; done < records; done += APPENDERS)
    await Promise.all(Array.from({ length: APPENDERS }, () => first.queue.append(record, 512)))
  const held = resident() - before
  const total = first.queue.bytes
  await first.stop()
  const began = performance.now()
  const { queue, stop } = await opened(directory, true)
  const took = performance.now() - began
  const slab = new Slab(Buffer.alloc(sizeOf(record)))
  const read = await measure(queue.records, sizeOf(record), async () => {
    for (let next = await queue.next(() => slab.retain()); next; next = await queue.next(() => slab.retain())) {
      next.slab.release()
      queue.settle(next.key)
    }
  })
  await stop()
  console.log(
    `a backlog of ${(total / GIB).toFixed(2)} GiB: memory grew by ${(held / MIB).toFixed(0)} MiB, a start takes ${took.toFixed(0)} ms,`,
  )
  console.log(`read back ${perSecond(read.rate, sizeOf(record))}, ${read.cost.toFixed(0)} us of CPU each`)
}

/** What docs/adr/0015 rests on. */
function checksums(): void {
  for (const bytes of [28, 1_000, 100_000]) {
    const data = Buffer.alloc(bytes, 3)
    const times = Math.ceil(2e8 / Math.max(bytes, 200))
    const began = performance.now()
    for (let time = 0; time < times; time++) checksumOf([data])
    const took = performance.now() - began
    console.log(
      `checksum of ${bytes} bytes: ${((took / times) * 1_000).toFixed(2)} us, ${((bytes * times) / took / 1e6).toFixed(2)} GB/s`,
    )
  }
}

async function opened(directory: string, fsync: boolean): Promise<{ queue: StoredQueue; stop: () => Promise<void> }> {
  const context = {
    id: 'file_storage',
    config: {
      directory,
      create_directory: true,
      directory_permissions: '0750',
      timeout: 0,
      fsync,
      max_size: 20 * GIB,
      segment_size: 64 * MIB,
    },
    log: silent,
    meter: new Metrics(),
    clock: systemClock,
    status: { ok() {}, recoverable() {}, permanent() {} },
    host: { ready: true, startTime: 0, statuses: () => [] },
    extension: () => {
      throw new Error('there are no extensions')
    },
  } satisfies ExtensionContext
  const extension = fileStorage(context)
  await extension.start?.()
  const queue = await extension.storage.queue('bench')
  return { queue, stop: async () => extension.stop?.(AbortSignal.timeout(60_000)) }
}

async function measure(records: number, bytes: number, work: () => Promise<unknown>): Promise<Sample> {
  const cpu = process.cpuUsage()
  const began = performance.now()
  await work()
  const took = performance.now() - began
  const { user, system } = process.cpuUsage(cpu)
  return { rate: (records * bytes * 1_000) / took, cost: (user + system) / records }
}

const sizeOf = (record: readonly Buffer[]): number => record.reduce((sum, { length }) => sum + length, 0)
const resident = (): number => process.memoryUsage().rss
const median = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[values.length >> 1] as number
const perSecond = (rate: number, bytes: number): string =>
  `${(rate / 1e6).toFixed(0)} MB/s, ${(rate / bytes).toFixed(0)} records/s`
