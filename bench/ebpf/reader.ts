import { parentPort, workerData } from 'node:worker_threads'
import { loadAddon } from '../../src/native.ts'
import { systemClock } from '../../src/plugin.ts'
import { Engine } from '../../src/receivers/ebpf/engine.ts'
import { HEADER_BYTES, pidOf, timeOf, unsigned64 } from '../../src/receivers/ebpf/event.ts'
import { Pump } from '../../src/receivers/ebpf/pump.ts'
import { Tally } from '../../src/receivers/ebpf/tally.ts'

/** What the thread has read; `gaps`: numbers that are missing among the events. */
export interface Read {
  readonly events: number
  readonly gaps: number
}

/** As `bench/ebpf/generate.bpf.c` has it. */
const EVENT_BENCH = 0x0f01

const loaded = loadAddon()
if (loaded.kind === 'unavailable') throw new Error(loaded.reason)
const ring = new loaded.addon.Ring((workerData as { ring: number }).ring)
let [events, gaps, next, sum] = [0, 0, 0, 0]
const tracer = {
  types: [EVENT_BENCH],
  event(buffer: Buffer, at: number) {
    const sequence = unsigned64(buffer, at + HEADER_BYTES)
    if (sequence !== next) gaps += sequence - next
    next = sequence + 1
    sum += pidOf(buffer, at) + timeOf(buffer, at)
    events++
  },
}
const engine = new Engine({
  listeners: [{ tracer, tally: new Tally('bench') }],
  none: new Tally('none'),
  eventsPerSecond: 0,
})
const pump = new Pump({
  ring,
  clock: systemClock,
  read: (buffer, bytes) => engine.read(buffer, bytes, 0),
  isHeld: () => false,
  afterTurn() {},
})
parentPort?.on('message', () => parentPort?.postMessage({ events, gaps, sum } satisfies Read & { sum: number }, []))
pump.start()
parentPort?.postMessage('running', [])
