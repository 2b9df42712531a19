/**
 * How many items a second of one core's time do the kernels handle, and how many times what decoding to objects and
 * encoding again would (the oracle, in the same run)? `--quick` takes a quarter of the time, `--traces`, `--metrics`,
 * `--logs` and `--profiles` choose.
 */
import { batchOf, type Batch } from '../src/data/batch.ts'
import { count } from '../src/data/kernels/count.ts'
import { compact, join, merge } from '../src/data/kernels/merge.ts'
import { split } from '../src/data/kernels/split.ts'
import { validate } from '../src/data/kernels/validate.ts'
import { fromObject } from '../src/data/codec/from-object.ts'
import { toObject } from '../src/data/codec/to-object.ts'
import type { Signal } from '../src/data/signal.ts'
import { compile } from '../src/data/steps/compile.ts'
import { run } from '../src/data/steps/runner.ts'
import type { Step } from '../src/data/steps/step.ts'
import { decodeAndEncode, type OracleSignal } from '../test/data/oracle.ts'
import { chain, filter, insertInto, insertIntoResource, LEVELS, SIGNALS } from './measure/chain.ts'
import { payloads, VARIANTS } from './measure/payloads.ts'
import { profilePayloads } from './measure/profiles.ts'
import { type Effort, measure, type Measured, type Task } from './measure/rounds.ts'

const THOROUGH: Effort = { rounds: 15, windowMs: 60, warmUpMs: 1000 }
const QUICK: Effort = { rounds: 9, windowMs: 30, warmUpMs: 400 }

/** What the project promises of the ratio to the oracle. */
const WANTED: Readonly<Record<string, number>> = {
  'pass-through': 300,
  chain: 12,
  'validate, chain': 30,
  'merge 8 to 1': 30,
}

export default async function kernels(options: readonly string[]): Promise<void> {
  const effort = options.includes('--quick') ? QUICK : THOROUGH
  const chosen = SIGNALS.filter((signal) => options.includes(`--${signal}`))
  console.log(`medians of ${effort.rounds} rounds of ${effort.windowMs} ms; Node ${process.version}\n`)
  const ofProfiles = options.includes('--profiles')
  for (const signal of chosen.length > 0 || ofProfiles ? chosen : SIGNALS) {
    const batches = payloads(signal)
    announce(signal, batches)
    print(await measure(tasks(signal, batches), effort))
    const small = payloads(signal, 'small')
    announce(signal, small)
    print(await measure(smallTasks(signal, small), effort))
  }
  if (chosen.length > 0 && !ofProfiles) return
  const batches = profilePayloads()
  announce('profiles', batches)
  const measured = await measure(profileTasks(batches), effort)
  print(measured)
  const sizes = sizesOf(batches)
  for (const { name, itemsPerSecond } of measured) {
    const written = sizes[name] ?? sizes['each']!
    console.log(
      `  ${name.padEnd(20)}${(1e9 / itemsPerSecond).toFixed(0).padStart(8)} ns/sample${((itemsPerSecond * written) / 1e6).toFixed(0).padStart(8)} MB/s`,
    )
  }
}

/** Bytes for each sample: of a request, and of what is written where each part gets all that its samples point at. */
function sizesOf(batches: readonly Batch<'profiles'>[]): Readonly<Record<string, number>> {
  const whole = merge(batches)
  const written = split(whole, { items: 100 }).reduce((sum, part) => sum + part.bytes, 0)
  return { each: batches[0]!.bytes / batches[0]!.items, 'split by 100': written / whole.items }
}

function announce(signal: Signal, batches: readonly Batch[]): void {
  console.log(`${signal}: ${batches[0]!.items} items in ${(batches[0]!.bytes / 1000).toFixed(1)} KB`)
}

/** No oracle in process has profiles: the baseline is to make objects of them, and bytes of those. */
function profileTasks(batches: readonly Batch<'profiles'>[]): Task[] {
  const bytes = batches.map(join)
  const of = (turn: number): number => turn % VARIANTS
  const whole = merge(batches)
  return [
    {
      name: 'objects and back',
      work: (turn) => {
        const made = fromObject('profiles', toObject(bytes[of(turn)]!, 'profiles'))
        made.release()
        return batches[of(turn)]!.items
      },
    },
    { name: 'count', work: (turn) => count('profiles', bytes[of(turn)]!) },
    { name: 'validate', work: (turn) => validate('profiles', bytes[of(turn)]!) },
    {
      name: 'merge dictionaries',
      work: () => {
        merge(batches).release()
        return whole.items
      },
    },
    {
      name: 'split by 100',
      work: () => {
        for (const part of split(whole, { items: 100 })) part.release()
        return whole.items
      },
    },
    stepsTask('resource attribute', batches, [insertIntoResource]),
    stepsTask('sample attribute', batches, [insertInto('sample')]),
  ]
}

function tasks(signal: OracleSignal, batches: readonly Batch[]): Task[] {
  const bytes = batches.map(join)
  const of = (turn: number): number => turn % VARIANTS
  const whole = merge(batches)
  return [
    { name: 'oracle', work: (turn) => (decodeAndEncode(signal, bytes[of(turn)]!), batches[of(turn)]!.items) },
    { name: 'count', work: (turn) => count(signal, bytes[of(turn)]!) },
    { name: 'pass-through', work: (turn) => (batches[of(turn)]!.segments(), count(signal, bytes[of(turn)]!)) },
    { name: 'validate', work: (turn) => validate(signal, bytes[of(turn)]!) },
    stepsTask('resource attribute', batches, [insertIntoResource]),
    stepsTask('record attribute', batches, [insertInto(LEVELS[signal])]),
    stepsTask('filter 50 %', batches, [filter(LEVELS[signal])]),
    stepsTask('chain', batches, chain(signal)),
    relayTask(signal, batches),
    {
      name: 'merge 8 to 1',
      work: () => {
        const merged = merge(batches)
        const joined = compact(merged)
        merged.release()
        if (joined.segments()[0]!.length !== whole.bytes) throw new Error('merged to another length')
        joined.release()
        return whole.items
      },
    },
    {
      name: 'split by 512',
      work: () => {
        for (const part of split(whole, { items: 512 })) part.release()
        return whole.items
      },
    },
    {
      name: 'split by 64 KiB',
      work: () => {
        for (const part of split(whole, { bytes: 65_536 })) part.release()
        return whole.items
      },
    },
  ]
}

/** What one SDK sends at a time: here the cost of a request counts as much as that of its items. */
function smallTasks(signal: OracleSignal, batches: readonly Batch[]): Task[] {
  const bytes = batches.map(join)
  const of = (turn: number): number => turn % VARIANTS
  return [
    { name: 'oracle', work: (turn) => (decodeAndEncode(signal, bytes[of(turn)]!), batches[of(turn)]!.items) },
    { name: 'validate', work: (turn) => validate(signal, bytes[of(turn)]!) },
    stepsTask('resource attribute', batches, [insertIntoResource]),
    stepsTask('chain', batches, chain(signal)),
    relayTask(signal, batches),
  ]
}

/** All that a relay does to a request: its bytes validated and counted, made a batch, rewritten. */
function relayTask(signal: OracleSignal, batches: readonly Batch[]): Task {
  const bytes = batches.map(join)
  const program = compile(signal, chain(signal))
  return {
    name: 'validate, chain',
    work: (turn) => {
      const request = bytes[turn % VARIANTS]!
      const items = validate(signal, request)
      const batch = batchOf(signal, items, request)
      run(program, batch).batch?.release()
      batch.release()
      return items
    },
  }
}

function stepsTask(name: string, batches: readonly Batch[], steps: readonly Step[]): Task {
  const program = compile(batches[0]!.signal, steps)
  return {
    name,
    work: (turn) => {
      const batch = batches[turn % VARIANTS]!
      run(program, batch).batch?.release()
      return batch.items
    },
  }
}

function print(measured: readonly Measured[]): void {
  for (const { name, itemsPerSecond, ratio, gcShare } of measured) {
    const wanted = WANTED[name]
    const verdict =
      wanted === undefined ? '' : ratio >= wanted ? `  (wanted ${wanted})` : `  BELOW the wanted ${wanted}`
    const rate = Math.round(itemsPerSecond / 1000).toLocaleString('en')
    console.log(
      `  ${name.padEnd(20)}${rate.padStart(10)}k items/s${ratio.toFixed(1).padStart(10)} x${(gcShare * 100).toFixed(2).padStart(7)} % GC${verdict}`,
    )
  }
  console.log()
}
