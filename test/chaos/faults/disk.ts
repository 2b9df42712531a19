import { readdirSync, readFileSync, statfsSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { copyFile, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { storeOf } from '../harness/configuration.ts'
import type { Row } from '../harness/row.ts'
import type { Scene } from '../harness/scene.ts'
import { injected, injecting } from '../harness/strace.ts'
import type { DiskCall } from '../harness/strace.ts'
import { makeImage, missing, mountImage, mountMemory, sh } from '../harness/tools.ts'

/** What a disk does: rows 10, 11, 13 and 15 of the fault table, and a power cut. */
const RATE = 5_000
const MEBIBYTES = 16
const FILLER = { generator: { filler: 400 } }
/** How long a disk may take to be full, or a fault to strike, milliseconds. */
const PATIENCE_MS = 30_000

const storeOn = (scene: Scene): string => storeOf(scene.telegen.directory)

/** Requests that were told to come again. */
async function refusals(scene: Scene): Promise<number> {
  const { answers } = await scene.generator.call('ledger')
  return (answers['429'] ?? 0) + (answers['503'] ?? 0)
}

async function until(scene: Scene, holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; !(await holds()); await scene.last(50))
    if (performance.now() > end) throw new Error(`waited ${PATIENCE_MS} ms until ${what}`)
}

const full: Row = {
  name: 'disk-full',
  about: `A disk of ${MEBIBYTES} MB and no backend: it fills, senders are told to come again, all that was taken is delivered when the backend is back.`,
  queues: ['disk'],
  short: ['disk'],
  missing: () => missing('mount'),
  scene: { idle: true, ...FILLER },
  async run(scene) {
    const store = storeOn(scene)
    scene.atEnd(mountMemory(store, MEBIBYTES))
    await scene.telegen.start()
    await scene.sink.call('down')
    await scene.load(RATE * 2)
    const isFull = () => statfsSync(store).bavail * statfsSync(store).bsize < 256 * 1024
    await until(scene, async () => isFull() && (await refusals(scene)) > 0, 'the disk was full and refused')
    await scene.last(scene.long ? 10_000 : 1_000)
    scene.strike(await refusals(scene), 'requests refused while the disk was full')
    await scene.sink.call('up')
    scene.heal()
    await scene.last(1_000)
    scene.expect(scene.telegen.output.includes('is full'), 'nothing was said of the full disk')
  },
}

const filledByOthers: Row = {
  name: 'disk-filled-by-others',
  about: 'Somebody else fills the disk to its last byte and makes room again: Telegen refuses meanwhile, and recovers.',
  queues: ['disk'],
  missing: () => missing('mount', 'losetup', 'mkfs.ext4'),
  scene: { idle: true, ...FILLER },
  async run(scene) {
    const store = storeOn(scene)
    const image = join(scene.directory, 'image')
    makeImage(image, MEBIBYTES * 2)
    scene.atEnd(mountImage(image, store).unmount)
    await scene.telegen.start()
    await scene.load(RATE)
    await scene.last(500)
    for (let round = 0; round < (scene.long ? 5 : 1); round++) {
      await scene.sink.call('down')
      await fill(join(store, 'of-somebody-else'))
      const before = await refusals(scene)
      await until(scene, async () => (await refusals(scene)) > before, 'a full disk refused')
      await scene.last(1_000)
      await scene.sink.call('up')
      await scene.last(1_000)
      await rm(join(store, 'of-somebody-else'))
      await until(scene, async () => takes(scene), 'it took data again')
      await scene.last(500)
    }
    scene.strike(await refusals(scene), 'requests refused while the disk was full')
    scene.heal()
  },
}

/** Whether a request is acknowledged now. */
async function takes(scene: Scene): Promise<boolean> {
  return (await scene.generator.call('once')).kind === 'acknowledged'
}

async function fill(path: string): Promise<void> {
  const file = await open(path, 'w')
  try {
    for (const size of [1024 * 1024, 4096, 1]) await fillBy(file, Buffer.alloc(size))
  } finally {
    await file.close()
  }
}

async function fillBy(file: Awaited<ReturnType<typeof open>>, piece: Buffer): Promise<void> {
  try {
    for (;;) await file.write(piece)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}

/** System calls of Telegen do `what` for a while; then it is killed, and goes on without. */
const struck = (
  name: string,
  about: string,
  calls: readonly DiskCall[],
  what: string,
  more: (scene: Scene) => Promise<void>,
): Row => ({
  name,
  about,
  queues: ['disk'],
  missing: () => missing('strace'),
  scene: { idle: true, retry: 60_000 },
  mayDouble: 'what was on its way when the process was killed is sent again',
  async run(scene) {
    const log = join(scene.directory, 'strace')
    scene.telegen.options = { ...scene.telegen.options, under: injecting(calls, what, log) }
    await scene.telegen.start()
    await scene.load(RATE / 2)
    await until(scene, () => injected(log) > 3, 'the fault had struck')
    await more(scene)
    await scene.telegen.kill()
    scene.strike(injected(log), `${calls.join(', ')}: ${what}`)
    scene.telegen.options = { ...scene.telegen.options, under: [] }
    await scene.telegen.start()
    scene.heal()
  },
})

const saysSo = async (scene: Scene): Promise<void> => {
  await scene.last(scene.long ? 15_000 : 3_000)
  scene.expect(scene.telegen.output.includes('cannot be written to'), 'nothing was said of the broken disk')
}

/** Answers of another listener of the same process, while the disk is slow: their median and slowest, milliseconds. */
async function latencies(scene: Scene): Promise<{ median: number; slowest: number }> {
  const taken: number[] = []
  for (let probe = 0; probe < 40; probe++) {
    const began = performance.now()
    await (await fetch(`http://127.0.0.1:${scene.ports.health}/`)).arrayBuffer()
    taken.push(Math.round(performance.now() - began))
    await scene.last(50)
  }
  taken.sort((one, other) => one - other)
  return { median: taken[20] as number, slowest: taken.at(-1) as number }
}

const SLOW_MS = 500

const slow = struck(
  'disk-slow',
  `Each fsync takes ${SLOW_MS} ms longer: the event loop stays free, and what is acknowledged was synced.`,
  ['fdatasync', 'fsync'],
  `delay_enter=${SLOW_MS * 1000}`,
  async (scene) => {
    const { median, slowest } = await latencies(scene)
    scene.note(`another listener answers within ${median} ms as a rule, ${slowest} ms at the slowest`)
    scene.expect(median < SLOW_MS / 2, `another listener takes ${median} ms while the disk is slow`)
  },
)

const readOnly: Row = {
  name: 'disk-becomes-read-only',
  about:
    'The block device is read-only from one moment on, as a disk that fails: nothing is acknowledged that is not there after a repair.',
  queues: ['disk'],
  missing: () => missing('mount', 'losetup', 'mkfs.ext4', 'blockdev', 'e2fsck'),
  scene: { idle: true, retry: 60_000 },
  mayDouble: 'what was on its way when the process was killed is sent again',
  async run(scene) {
    const store = storeOn(scene)
    const image = join(scene.directory, 'image')
    makeImage(image, MEBIBYTES * 2)
    const { device, unmount } = mountImage(image, store, 'errors=remount-ro')
    scene.atEnd(unmount)
    await scene.telegen.start()
    await scene.sink.call('down')
    await scene.load(RATE)
    await scene.last(1_000)
    sh('blockdev', '--setro', device)
    const before = await refusals(scene)
    await until(scene, async () => (await refusals(scene)) > before, 'the broken disk refused')
    await scene.last(1_000)
    scene.strike((await refusals(scene)) - before, 'requests refused while the disk was read-only')
    await scene.telegen.kill()
    sh('blockdev', '--setrw', device)
    unmount()
    // e2fsck says with 1 that it has repaired something.
    sh('sh', '-c', `e2fsck -fy ${image} || [ $? -eq 1 ]`)
    scene.atEnd(mountImage(image, store).unmount)
    await scene.telegen.start()
    await scene.sink.call('up')
    scene.heal()
  },
}

/** Nothing is acknowledged from this moment on. */
async function stopped(scene: Scene): Promise<void> {
  scene.telegen.signal('SIGSTOP')
  const status = `/proc/${scene.telegen.pid}/status`
  await until(scene, () => /^State:\s+T/m.test(readFileSync(status, 'utf8')), 'the process stood still')
}

/** Everything that the device has at that moment, and nothing of what is still in memory. */
export const powerCut: Row = {
  name: 'power-cut',
  about:
    'The disk as it is behind the file system at one moment, mounted elsewhere: what was acknowledged until then is on it.',
  queues: ['disk'],
  short: ['disk'],
  missing: () => missing('mount', 'losetup', 'mkfs.ext4'),
  scene: { idle: true },
  mayDouble: 'what was on its way, or settled since the last checkpoint, is sent again',
  async run(scene) {
    const store = storeOn(scene)
    let image = join(scene.directory, 'image-0')
    makeImage(image, MEBIBYTES * 4)
    let mounted = mountImage(image, store)
    scene.atEnd(() => mounted.unmount())
    await scene.telegen.start()
    for (let round = 1; round <= (scene.long ? 20 : 1); round++) {
      await scene.sink.call('down')
      await scene.load(RATE)
      await scene.last(scene.random.integer(300, 1_500))
      await stopped(scene)
      const copy = join(scene.directory, `image-${round}`)
      await copyFile(image, copy)
      await scene.telegen.kill()
      await scene.generator.call('stop')
      mounted.unmount()
      await rm(image)
      image = copy
      mounted = mountImage(image, store)
      scene.strike(1, 'disks copied behind the mount')
      await scene.telegen.start()
      await scene.sink.call('up')
      await scene.last(1_000)
    }
    scene.heal()
  },
}

const segmentsOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.segment'))
    .map((entry) => join(entry.parentPath, entry.name))

/** Records are damaged on purpose while nobody has the store open: those alone are lost, and Telegen counts exactly them. */
const damaged = (name: string, about: string, damage: (scene: Scene, segment: string) => void): Row => ({
  name,
  about,
  queues: ['disk'],
  scene: { config: () => ({ extensions: { file_storage: { segment_size: '64KiB' } } }) },
  mayLose: 'records are damaged on purpose; exactly those may be lost that Telegen counts',
  mayDouble: 'what was settled since the last checkpoint is sent again after a kill',
  async run(scene) {
    let counted = 0
    for (let round = 0; round < (scene.long ? 40 : 2); round++) {
      await scene.sink.call('down')
      await scene.load(RATE)
      await scene.last(400)
      await scene.generator.call('stop')
      await scene.telegen.kill()
      const segments = segmentsOf(storeOn(scene))
      scene.expect(segments.length > 0, 'there is no segment to damage')
      damage(scene, segments[scene.random.integer(0, segments.length - 1)] as string)
      scene.strike(1, 'files damaged')
      await scene.telegen.start()
      await scene.sink.call('up')
      await until(scene, async () => (await scene.metric('telegen_storage_records')) === 0, 'the store was empty')
      counted += await scene.metric('telegen_storage_damaged_records')
    }
    const { size, acknowledged } = await scene.generator.call('ledger')
    const lost = await scene.sink.call('missing', { size, acknowledged })
    scene.note(`${lost} records lost in ${lost / size} requests, ${counted} requests counted as damaged`)
    scene.expect(lost / size === counted, `${lost / size} requests are lost, and ${counted} counted`)
    scene.expect(counted <= scene.struck, `${counted} requests lost by ${scene.struck} damages`)
    scene.heal()
  },
})

const flipped = damaged(
  'byte-flipped',
  'One byte of the store is another one: at most the record that it hit is lost, and counted.',
  (scene, segment) => {
    const bytes = readFileSync(segment)
    const at = scene.random.integer(0, bytes.length - 1)
    bytes[at] = (bytes[at] as number) ^ (1 << scene.random.integer(0, 7))
    writeFileSync(segment, bytes)
  },
)

const torn = damaged(
  'torn-tail',
  'The newest file ends within its last record: it alone is lost, and counted.',
  (scene) => {
    const newest = segmentsOf(storeOn(scene)).sort().at(-1) as string
    truncateSync(newest, statSync(newest).size - scene.random.integer(1, 40))
  },
)

export const diskRows: readonly Row[] = [
  full,
  filledByOthers,
  struck(
    'disk-eio-on-sync',
    'Every fifth fsync fails with EIO: what was not synced is refused, and not acknowledged.',
    ['fdatasync'],
    'error=EIO:when=8+5',
    saysSo,
  ),
  struck('disk-eio-on-write', 'Every fifth write fails with EIO.', ['pwritev'], 'error=EIO:when=8+5', saysSo),
  slow,
  readOnly,
  powerCut,
  flipped,
  torn,
]
