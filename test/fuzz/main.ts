/** `npm run fuzz -- otlp|http2|config|store|ebpf [--minutes 10] [--seed n] [--first n] [--input file]`: exits 1 where a promise was broken. */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { campaign, replay } from './campaign.ts'
import type { Target } from './target.ts'

const FOLDER = 'fuzz-findings'
const MINUTE = 60_000

/** Imported when it is asked for: what makes arbitrary requests takes seconds to load. */
const TARGETS: Readonly<Record<string, (seed: number) => Promise<Target<unknown>>>> = {
  otlp: async (seed) => new (await import('./otlp/target.ts')).OtlpTarget(seed),
  http2: async () => new (await import('./http2/target.ts')).Http2Target(),
  config: async () => new (await import('./config/target.ts')).ConfigTarget(),
  store: async () => new (await import('./store/target.ts')).StoreTarget(),
  ebpf: async () => new (await import('./ebpf/target.ts')).EbpfTarget(),
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    first: { type: 'string', default: '0' },
    input: { type: 'string' },
  },
})
const name = positionals[0] ?? ''
const make = TARGETS[name]
if (make === undefined) {
  console.error(`fuzz what? ${Object.keys(TARGETS).join(', ')}`)
  process.exit(2)
}
const print = (line: string): void => console.log(`${new Date().toISOString()} ${name} ${line}`)
const seed = Number(values.seed)
const target = await make(seed)

if (values.input !== undefined) {
  const finding = await replay(target, target.read(readFileSync(values.input, 'utf8')))
  print(finding === undefined ? 'nothing is broken' : `BROKEN: ${finding.kind}\n${finding.message}`)
  process.exit(finding === undefined ? 0 : 1)
}

const duration = Number(values.minutes) * MINUTE
print(`seed ${seed}, ${values.minutes} minutes`)
const { execs, rate, findings } = await campaign(target, {
  seed,
  duration,
  first: Number(values.first),
  folder: FOLDER,
  print,
})
print(`${execs} inputs, ${Math.round(rate)}/s, seed ${seed}, ${target.told()}`)
print(findings.length === 0 ? 'nothing is broken' : `${findings.length} promises are broken`)
process.exit(findings.length === 0 ? 0 : 1)
