import { Slab } from '../../../src/data/memory/slab.ts'
import { Metrics } from '../../../src/graph/metrics.ts'
import { Disk } from '../../../src/extensions/file_storage/disk.ts'
import type { Files } from '../../../src/extensions/file_storage/files.ts'
import { SegmentQueue } from '../../../src/extensions/file_storage/stored-queue.ts'
import { Refused } from '../../../src/component/refused.ts'
import type { ReadRecord } from '../../../src/component/storage.ts'
import { settle, TestClock } from '../../../src/testing/test-clock.ts'
import { Random } from '../random.ts'
import { Finding } from '../target.ts'
import type { Damage, Step, StoreInput } from './input.ts'
import { SimulatedDisk } from './simulated-disk.ts'

const DIRECTORY = '/store'
const FOLDER = '/store/queue'
const MOST_BYTES = 1_000_000
/** Turns of the event loop after which a call that has not ended never will. */
const PATIENCE = 4_000
/** Longer than the store waits before it tries a disk again that failed, in milliseconds. */
const RECOVERY = 10_000
const ZEROED = 300

interface Issued {
  readonly bytes: Buffer
  readonly items: number
  state: 'pending' | 'durable' | 'refused'
  /** By whom; it may come again after a process that did not close. */
  settledIn: number | undefined
  /** Settled, and the store was closed by the same process: it must not come again. */
  over: boolean
  with: 'nobody' | 'us'
}

const nothing = (): void => {}
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing }
const STATUS = { ok: nothing, recoverable: nothing, permanent: nothing }

/** Runs the steps of an input on a queue on a simulated disk, beside a model of what must be there. */
export class Trial {
  readonly #input: StoreInput
  readonly #random: Random
  readonly #disk: SimulatedDisk
  readonly #issued: Issued[] = []
  readonly #held: { readonly key: number; readonly record: Issued }[] = []
  readonly #claimable: { readonly key: number; readonly record: Issued }[] = []
  #queue!: SegmentQueue
  #clock = new TestClock()
  #session = 0
  #pending = 0
  /** Records that the store has said are lost. */
  #reported = 0
  /** Records that may have been hit; infinite where that cannot be said. */
  #hit = 0
  /** Appends that were under way when the process ended, or failed: their remains may be taken for damaged records. */
  #remains = 0
  #damaged = false
  /** The disk was full: then what is settled is deleted before it is written down, which a start may take for lost. */
  #wasFull = false

  /** `lies`: the disk says that it has synced, and has not. */
  constructor(input: StoreInput, { lies = false } = {}) {
    this.#input = input
    this.#random = new Random(input.seed)
    this.#disk = new SimulatedDisk(this.#random)
    this.#disk.faults.lies = lies
  }

  async run(): Promise<void> {
    await this.#open(this.#disk.files)
    for (const step of this.#input.steps) await this.#step(step)
    await this.#conclude()
  }

  async #step(step: Step): Promise<void> {
    switch (step.do) {
      case 'append':
        return this.#append(step.size)
      case 'wait':
        return this.#within(
          'append',
          this.#until(() => this.#pending === 0),
        )
      case 'next':
        for (let count = step.count; count > 0; count--) if (!(await this.#next())) return
        return
      case 'claim': {
        const claimable = this.#claimable.pop()
        if (claimable && this.#queue.claim(claimable.key)) this.#hold(claimable.key, claimable.record)
        return
      }
      case 'settle': {
        const [held] = this.#held.splice(step.which % Math.max(1, this.#held.length), 1)
        if (!held) return
        this.#queue.settle(held.key)
        held.record.settledIn = this.#session
        held.record.with = 'nobody'
        return
      }
      case 'give back': {
        const [held] = this.#held.splice(step.which % Math.max(1, this.#held.length), 1)
        if (!held) return
        this.#queue.giveBack(held.key)
        held.record.with = 'nobody'
        return
      }
      case 'tick':
        return this.#clock.advance(step.milliseconds)
      case 'restart':
        return this.#restart(step.after, step.damages)
      case 'trouble':
        this.#wasFull ||= step.room < 2 ** 40
        Object.assign(this.#disk.faults, { ...step, capacity: this.#disk.used + step.room })
        return
      case 'heal':
        return this.#heal()
    }
  }

  async #open(files: Files): Promise<void> {
    this.#session++
    this.#pending = 0
    this.#held.length = 0
    this.#claimable.length = 0
    for (const record of this.#issued) record.with = 'nobody'
    this.#clock = new TestClock()
    await files.makeFolder(DIRECTORY)
    const disk = new Disk({
      id: 'file_storage',
      directory: DIRECTORY,
      maxBytes: MOST_BYTES,
      fsync: true,
      files,
      clock: this.#clock,
      log: SILENT,
      meter: new Metrics('none'),
      status: STATUS,
    })
    this.#queue = await this.#within(
      'open',
      SegmentQueue.open({
        name: 'queue',
        folder: FOLDER,
        maxBytes: MOST_BYTES,
        segmentBytes: this.#input.segmentBytes,
        disk,
        onLost: (_, { records }) => void (this.#reported += records),
        onClosed: nothing,
      }),
    )
  }

  async #append(size: number): Promise<void> {
    const index = this.#issued.length
    const bytes = contents(index, size)
    const record: Issued = {
      bytes,
      items: 1 + (index % 7),
      state: 'pending',
      settledIn: undefined,
      over: false,
      with: 'nobody',
    }
    this.#issued.push(record)
    this.#pending++
    const session = this.#session
    const cut = index % bytes.length
    try {
      const appended = this.#queue.append([bytes.subarray(0, cut), bytes.subarray(cut)], record.items)
      appended.then(
        (key) => {
          if (session !== this.#session) return
          record.state = 'durable'
          this.#pending--
          this.#claimable.push({ key, record })
        },
        (error: unknown) => {
          if (!(error instanceof Refused)) this.#failure ??= error
          if (session !== this.#session) return
          record.state = 'refused'
          this.#remains++
          this.#pending--
        },
      )
    } finally {
      await Promise.resolve()
    }
  }

  /** What an append was rejected with that is no refusal. */
  #failure: unknown

  async #next(): Promise<boolean> {
    const read = await this.#within(
      'next',
      this.#queue.next((bytes) => new Slab(Buffer.alloc(bytes))),
    )
    if (read === undefined) return false
    this.#take(read)
    return true
  }

  #take({ key, items, slab, length }: ReadRecord): void {
    const bytes = Buffer.concat([slab.buffer.subarray(0, length)])
    slab.release()
    const record = bytes.length >= 4 ? this.#issued[bytes.readUInt32LE(0)] : undefined
    if (!record?.bytes.equals(bytes) || record.items !== items)
      throw new Finding('invented record', `${items} items, ${bytes.toString('hex').slice(0, 200)}`)
    if (record.with !== 'nobody') throw new Finding('came twice', `record ${bytes.readUInt32LE(0)} is out already`)
    if (record.over && !this.#damaged)
      throw new Finding('settled came again', `record ${bytes.readUInt32LE(0)}, after a clean close`)
    this.#hold(key, record)
  }

  #hold(key: number, record: Issued): void {
    record.with = 'us'
    this.#held.push({ key, record })
    const index = this.#claimable.findIndex((each) => each.record === record)
    if (index >= 0) this.#claimable.splice(index, 1)
  }

  async #restart(after: 'close' | 'kill' | 'power cut', damages: readonly Damage[]): Promise<void> {
    const pending = this.#pending
    let files: Files
    if (after === 'close') {
      const healthy = this.#disk.faults.errors === 0 && this.#disk.faults.capacity >= 2 ** 40
      await this.#within('close', this.#queue.close())
      await this.#within(
        'append',
        this.#until(() => this.#pending === 0),
      )
      if (healthy) for (const record of this.#issued) record.over ||= record.settledIn === this.#session
      files = this.#disk.kill()
    } else {
      this.#remains += pending
      files = after === 'kill' ? this.#disk.kill() : this.#disk.cutPower()
    }
    for (const damage of damages) this.#damage(damage)
    // A disk that fails while it is looked at for the first time is a reason not to start.
    const { errors } = this.#disk.faults
    this.#disk.faults.errors = 0
    await this.#open(files)
    this.#disk.faults.errors = errors
  }

  #damage({ kind, file, at }: Damage): void {
    const names = this.#disk.names()
    const name = names[file % Math.max(1, names.length)]
    if (name === undefined) return
    const bytes = Buffer.concat([this.#disk.bytes(name)])
    const place = at % Math.max(1, bytes.length)
    this.#damaged = true
    switch (kind) {
      case 'flip':
        if (bytes.length === 0) return
        bytes[place]! ^= 1 << (at % 8)
        this.#hit += 1
        return this.#disk.tamper(name, bytes)
      case 'zero':
        bytes.fill(0, place, Math.min(bytes.length, place + ZEROED))
        this.#hit += ZEROED
        return this.#disk.tamper(name, bytes)
      case 'truncate':
        this.#hit = Infinity
        return this.#disk.tamper(name, bytes.subarray(0, place))
      case 'remove':
        this.#hit = Infinity
        return this.#disk.tamper(name, undefined)
      case 'garbage':
        this.#hit = Infinity
        return this.#disk.tamper(name, new Random(at).bytes(at % 2_000))
      case 'copy':
        this.#hit = Infinity
        return this.#disk.tamper(name.replace(/\d(?=\D*$)/, String(at % 10)), bytes)
      case 'extend':
        this.#hit += 1
        return this.#disk.tamper(name, Buffer.concat([bytes, new Random(at).bytes(at % 500)]))
    }
  }

  async #heal(): Promise<void> {
    this.#disk.faults.capacity = Infinity
    this.#disk.faults.errors = 0
    this.#disk.faults.shortWrites = 0
    await this.#clock.advance(RECOVERY)
  }

  /** On a sound disk everything comes that must, and what comes afterwards is taken. */
  async #conclude(): Promise<void> {
    await this.#heal()
    await this.#within(
      'append',
      this.#until(() => this.#pending === 0),
    )
    await this.#append(50)
    await this.#within(
      'append',
      this.#until(() => this.#pending === 0),
    )
    if (this.#issued.at(-1)?.state !== 'durable')
      throw new Finding('no recovery', `an append is refused ${RECOVERY} ms after the disk is well again`)
    if (this.#failure !== undefined) throw this.#failure
    await this.#restart(this.#random.pick(['close', 'kill', 'power cut']), [])
    const promised = this.#queue.records
    const reported = this.#reported
    let came = 0
    for (; await this.#next(); came++);
    if (promised !== came + this.#reported - reported)
      throw new Finding(
        'wrong count',
        `${promised} records were said to be there, ${came} came, ${this.#reported - reported} were said to be lost since`,
      )
    this.#judgeLoss()
    for (const { key } of this.#held.splice(0)) this.#queue.settle(key)
    const { records, items, bytes, unread } = this.#queue
    if (records !== 0 || bytes !== 0 || unread !== 0 || (items !== 0 && !this.#damaged))
      throw new Finding('wrong count at the end', JSON.stringify({ records, items, bytes, unread }))
    await this.#within('close', this.#queue.close())
    const left = this.#disk.names().filter((name) => /segment|\.seg|\d{6}/.test(name) && !name.includes('aside'))
    if (left.length > 1) throw new Finding('files left', left.join(', '))
  }

  #judgeLoss(): void {
    const lost = this.#issued.flatMap(({ state, settledIn, with: who }, index) =>
      state === 'durable' && settledIn === undefined && who === 'nobody' ? [index] : [],
    )
    const numbers = `lost ${lost.join(', ')}; ${this.#reported} reported`
    if (lost.length > 0 && !this.#damaged) throw new Finding('lost', numbers)
    if (lost.length > this.#hit) throw new Finding('lost more than was hit', `${numbers}; ${this.#hit} hit`)
    // Of a file that is shorter than it was, or gone, nobody can know what was at its end.
    if (lost.length > this.#reported && this.#hit < ZEROED) throw new Finding('lost in silence', numbers)
    if (lost.length > 0 && this.#reported === 0 && this.#hit < Infinity) throw new Finding('lost in silence', numbers)
    // A process that is killed before it has written down what it found leaves it to be found again.
    if (!this.#damaged && !this.#wasFull && this.#reported > this.#remains * this.#session)
      throw new Finding('reported what was not lost', `${numbers}; ${this.#remains} appends left remains`)
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) await settle()
  }

  /** The same, or a finding where it takes for ever; the clock goes on meanwhile. */
  async #within<T>(what: string, work: Promise<T>): Promise<T> {
    let over = false
    const noted = work.finally(() => (over = true))
    noted.catch(nothing)
    for (let turns = 0; !over && turns < PATIENCE; turns++) {
      await settle()
      if (turns % 50 === 49) await this.#clock.advance(1_000)
    }
    if (!over) throw new Finding(`hang in ${what}`, `${what} does not settle`)
    return noted
  }
}

/** A record that says which it is, and looks like nothing else. */
function contents(index: number, size: number): Buffer {
  const bytes = new Random(index * 7_919 + 1).bytes(Math.max(size, 4))
  bytes.writeUInt32LE(index, 0)
  return bytes
}
