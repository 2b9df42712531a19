/**
 * How many times what the Collector's own data model (Go's pdata) does in a second of processor time do the kernels do? Both
 * take the same requests through the same chain of four, from bytes to bytes, Telegen with validation, in turns of 2 s.
 * `--quick` takes a fifth of the time; `--traces`, `--metrics` and `--logs` choose.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { batchOf } from '../src/data/batch.ts'
import { join } from '../src/data/kernels/merge.ts'
import { validate } from '../src/data/kernels/validate.ts'
import { compile } from '../src/data/steps/compile.ts'
import { run } from '../src/data/steps/runner.ts'
import { notes } from '../src/data/wire/notes.ts'
import type { OracleSignal } from '../test/data/oracle.ts'
import { chain, SIGNALS } from './measure/chain.ts'
import { GoPeer, goProgram, type Window } from './measure/go-program.ts'
import { payloads, VARIANTS, type Size } from './measure/payloads.ts'

const SIZES: readonly Size[] = ['large', 'small']
const THOROUGH = { rounds: 9, windowMs: 2000, warmUpMs: 1000 }
const QUICK = { rounds: 5, windowMs: 600, warmUpMs: 400 }

/** What the project promises of large requests. */
const WANTED: Readonly<Record<OracleSignal, number>> = { traces: 6, metrics: 3.5, logs: 5 }

type Effort = typeof THOROUGH
type Turn = (milliseconds: number) => Window | Promise<Window>

export default async function pdata(options: readonly string[]): Promise<void> {
  const program = goProgram()
  if (program === undefined) return console.log('skipped: Go is missing, which the other side is built with')
  const effort = options.includes('--quick') ? QUICK : THOROUGH
  const chosen = SIGNALS.filter((signal) => options.includes(`--${signal}`))
  const folder = mkdtempSync(path.join(tmpdir(), 'telegen-pdata-'))
  const peers = [new GoPeer(program, folder, {}), new GoPeer(program, folder, { GOGC: '400' })]
  console.log(`medians of ${effort.rounds} rounds of ${effort.windowMs} ms each; Node ${process.version}\n`)
  try {
    for (const signal of chosen.length > 0 ? chosen : SIGNALS) {
      for (const size of SIZES) await compare(signal, size, folder, peers, effort)
    }
  } finally {
    for (const peer of peers) peer.end()
    rmSync(folder, { recursive: true })
  }
}

async function compare(
  signal: OracleSignal,
  size: Size,
  folder: string,
  peers: readonly GoPeer[],
  effort: Effort,
): Promise<void> {
  const requests = payloads(signal, size).map(join)
  for (const [index, request] of requests.entries())
    writeFileSync(path.join(folder, `${signal}-${size}-${index}.bin`), request)
  const turns: Turn[] = [
    telegen(signal, requests),
    ...peers.map(
      (peer): Turn =>
        (milliseconds) =>
          peer.window(signal, size, milliseconds),
    ),
  ]
  for (const turn of turns) await turn(effort.warmUpMs)
  const rates: number[][] = turns.map(() => [])
  for (let round = 0; round < effort.rounds; round++) {
    const left: number[] = []
    for (const [index, turn] of turns.entries()) {
      const window = await turn(effort.windowMs)
      rates[index]!.push(window.items / window.cpuSeconds)
      left.push(window.left)
    }
    if (left.some((each) => each !== left[0])) throw new Error(`${signal}: items left differ: ${left.join(', ')}`)
  }
  print(signal, size, requests[0]!.length, rates as [number[], number[], number[]])
}

/** As a request goes through Telegen: bytes validated and counted, made a batch, rewritten. */
function telegen(signal: OracleSignal, requests: readonly Buffer[]): Turn {
  const program = compile(signal, chain(signal))
  const pass = (request: Buffer): { came: number; left: number } => {
    const came = validate(signal, request)
    const batch = batchOf(signal, came, request, notes.generation)
    const { batch: result } = run(program, batch)
    const left = result?.items ?? 0
    result?.segments()
    result?.release()
    batch.release()
    return { came, left }
  }
  return (milliseconds) => {
    const before = process.cpuUsage()
    const end = performance.now() + milliseconds
    let items = 0
    let left = 0
    for (let turn = 0; turn < VARIANTS || performance.now() < end; turn++) {
      const passed = pass(requests[turn % VARIANTS]!)
      items += passed.came
      if (turn < VARIANTS) left += passed.left
    }
    const { user, system } = process.cpuUsage(before)
    return { items, left, cpuSeconds: (user + system) / 1e6 }
  }
}

function print(signal: OracleSignal, size: Size, bytes: number, rates: readonly [number[], number[], number[]]): void {
  const [ours, plain, relaxed] = rates
  const best = median(plain) > median(relaxed) ? plain : relaxed
  const ratios = ours.map((rate, round) => rate / best[round]!).toSorted((a, b) => a - b)
  const wanted = WANTED[signal]
  const ratio = median(ratios)
  const verdict = size === 'small' ? '' : ratio >= wanted ? `  (wanted ${wanted})` : `  BELOW the wanted ${wanted}`
  const rate = (values: readonly number[]): string => `${Math.round(median(values) / 1000).toLocaleString('en')}k`
  console.log(`${signal}, ${size} (${(bytes / 1000).toFixed(1)} KB): ${ratio.toFixed(1)} x${verdict}`)
  console.log(
    `  from ${ratios[0]!.toFixed(1)} to ${ratios.at(-1)!.toFixed(1)} in the rounds, against the better setting of Go`,
  )
  console.log(
    `  items a second of processor time: Telegen ${rate(ours)}, Go ${rate(plain)}, Go with GOGC=400 ${rate(relaxed)}\n`,
  )
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.floor(sorted.length / 2)]!
}
