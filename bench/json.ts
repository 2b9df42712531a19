/**
 * How many MB of OTLP/JSON a second does one core read to the wire, and write from it, and how much is that of what
 * `JSON.parse` and `JSON.stringify` do with the same bytes (in the same run)? Those make no request of it: with
 * `fromObject` behind it, `JSON.parse` would be slower still. `--quick` takes a quarter of the time, `--traces`,
 * `--metrics` and `--logs` choose.
 */
import { fromJson } from '../src/data/json/from-json.ts'
import { requestJson } from '../src/data/json/to-json.ts'
import { join } from '../src/data/kernels/merge.ts'
import { payloads, VARIANTS } from './measure/payloads.ts'
import { type Effort, measure, type Measured, type Task } from './measure/rounds.ts'

const SIGNALS = ['traces', 'metrics', 'logs'] as const
const THOROUGH: Effort = { rounds: 15, windowMs: 80, warmUpMs: 800 }
const QUICK: Effort = { rounds: 9, windowMs: 30, warmUpMs: 400 }

/** What the project promises of reading. */
const WANTED_MEGABYTES = 40

export default async function json(options: readonly string[]): Promise<void> {
  const effort = options.includes('--quick') ? QUICK : THOROUGH
  const chosen = SIGNALS.filter((signal) => options.includes(`--${signal}`))
  console.log(`medians of ${effort.rounds} rounds of ${effort.windowMs} ms; Node ${process.version}\n`)
  for (const signal of chosen.length > 0 ? chosen : SIGNALS) {
    const wires = payloads(signal).map(join)
    const texts = wires.map((wire) => textOf(signal, wire))
    console.log(
      `${signal}: ${Math.round(texts[0]!.length / 1000)} KB of JSON, ${Math.round(wires[0]!.length / 1000)} KB on the wire`,
    )
    print(await measure(reading(signal, texts), effort), WANTED_MEGABYTES)
    print(await measure(writing(signal, wires, texts), effort), 0)
    console.log()
  }
}

type Known = (typeof SIGNALS)[number]

function textOf(signal: Known, wire: Buffer): Buffer {
  const json = requestJson(signal, [wire])
  const text = Buffer.concat(json.pieces)
  json.release()
  return text
}

function reading(signal: Known, texts: readonly Buffer[]): Task[] {
  return [
    { name: 'JSON.parse', work: (turn) => (JSON.parse(at(texts, turn).toString()), at(texts, turn).length) },
    { name: 'fromJson', work: (turn) => (fromJson(signal, at(texts, turn)).slab.release(), at(texts, turn).length) },
  ]
}

function writing(signal: Known, wires: readonly Buffer[], texts: readonly Buffer[]): Task[] {
  const objects = texts.map((text) => JSON.parse(text.toString()) as object)
  return [
    { name: 'JSON.stringify', work: (turn) => Buffer.from(JSON.stringify(at(objects, turn))).length },
    { name: 'toJson', work: (turn) => (requestJson(signal, [at(wires, turn)]).release(), at(texts, turn).length) },
  ]
}

function at<T>(of: readonly T[], turn: number): T {
  return of[turn % VARIANTS]!
}

function print(measured: readonly Measured[], wanted: number): void {
  for (const { name, itemsPerSecond, ratio } of measured) {
    const megabytes = itemsPerSecond / 1e6
    const verdict =
      wanted === 0 || name === 'JSON.parse'
        ? ''
        : megabytes >= wanted
          ? `  (wanted ${wanted})`
          : `  BELOW the wanted ${wanted}`
    console.log(
      `  ${name.padEnd(16)}${megabytes.toFixed(0).padStart(6)} MB/s${ratio.toFixed(2).padStart(8)} x${verdict}`,
    )
  }
}
