/**
 * What does it cost to see into the kernel? Without the name of a part all of them, some ten minutes; needs root, clang, nginx and dnsmasq, the native part, and a
 * build (`npm run build`), since the agent that is measured is the one in `dist/`.
 *
 *   overhead   what tracers add to a request, a connection, a query, a program, a system call: pairs of short windows with and without them,
 *              and the kernel's own count of what its programs take
 *   memory     the kernel's memory of each tracer
 *   agent      processor time and memory of `telegen` while nothing happens, and at 200 and 5,000 requests a second
 *   ring       how many 64-byte events a second come from the kernel into JavaScript without loss
 *   decode     what an HTTP event and a transaction cost in TypeScript (`ebpf-decode` has more)
 *
 *   --pairs=36 --window=220      of `overhead`, milliseconds; --quick: 6 pairs of 100, shorter parts
 *   --rate=300000 --seconds=30   of `ring`; without a rate 300,000 for 30 s, 100,000 and 600,000 for 10
 *   --cores=0,1                  of what is traced, and of the load
 *   --profiles=FOLDER            profiles of the agent (`--cpu-prof`)
 *   --telegen=FILE               another agent than dist/cli/main.js
 *   --write                      into docs/overhead.md; of a part, in place of what stands there of it
 */
import { mkdirSync } from 'node:fs'
import { loadavg } from 'node:os'
import { agentBench, type AgentEffort, idleBench } from './ebpf/agent.ts'
import { memoryBench } from './ebpf/memory.ts'
import { overheadBench } from './ebpf/overhead.ts'
import { printAgent, printCost, printIdle, printMemory, printPrograms } from './ebpf/print.ts'
import type { Results } from './ebpf/results.ts'
import { ringBench } from './ebpf/ring.ts'
import { keep, kept, machine } from './ebpf/write.ts'
import { decodeBench } from './ebpf-decode.ts'

/** Events a second, and for how many seconds: what is promised, and what lies beside it. */
const RATES = [
  [100_000, 10],
  [300_000, 30],
  [600_000, 10],
] as const
const PARTS = ['overhead', 'memory', 'agent', 'ring', 'decode']
type Part<Name extends keyof Results> = Pick<Results, Name>

export default async function ebpf(options: readonly string[]): Promise<void> {
  const [named] = options.filter((option) => !option.startsWith('--'))
  if (named !== undefined && !PARTS.includes(named)) {
    console.error(`usage: npm run bench -- ebpf [${PARTS.join('|')}] [--quick] [--write]`)
    process.exitCode = 1
    return
  }
  const about = { machine: machine(), date: new Date().toISOString().slice(0, 10), loadAverage: loadavg()[0] ?? 0 }
  const parts = { overhead, memory, agent, ring, decode: async () => ({ decode: await decodeBench() }) }
  const isDue = (part: string) => named === undefined || named === part
  const found: Partial<Results> = {}
  for (const [name, part] of Object.entries(parts)) if (isDue(name)) Object.assign(found, await part(options))
  if (options.includes('--write')) keep({ ...(named === undefined ? about : kept()), ...found } as Results)
}

async function overhead(options: readonly string[]): Promise<Part<'costs' | 'programs' | 'notMeasured'>> {
  const quick = isQuick(options)
  const pairs = value(options, 'pairs') ?? (quick ? 6 : 36)
  const ms = value(options, 'window') ?? (quick ? 100 : 220)
  const found = await overheadBench({ pairs, ms, cores: coresOf(options) }, printCost)
  printPrograms(found.programs)
  return found
}

async function memory(): Promise<Part<'memory'>> {
  const found = await memoryBench()
  printMemory(found)
  return { memory: found }
}

async function agent(options: readonly string[]): Promise<Part<'agent' | 'idle'>> {
  const profiles = text(options, 'profiles')
  if (profiles !== undefined) mkdirSync(profiles, { recursive: true })
  const times = isQuick(options)
    ? { warmUpMs: 3_000, settleMs: 1_000, ms: 5_000, idleMs: 5_000 }
    : { warmUpMs: 12_000, settleMs: 4_000, ms: 20_000, idleMs: 20_000 }
  const effort: AgentEffort = { ...times, cores: coresOf(options), profiles, telegen: text(options, 'telegen') }
  const idle = await idleBench(effort)
  printIdle(idle)
  return { idle, agent: await agentBench(effort, printAgent) }
}

async function ring(options: readonly string[]): Promise<Part<'ring'>> {
  const rate = value(options, 'rate')
  const seconds = value(options, 'seconds') ?? (isQuick(options) ? 5 : undefined)
  const paces = rate === undefined ? RATES : [[rate, 30] as const]
  return { ring: await ringBench(paces.map(([each, usual]) => ({ rate: each, seconds: seconds ?? usual }))) }
}

const isQuick = (options: readonly string[]): boolean => options.includes('--quick')

const text = (options: readonly string[], name: string): string | undefined =>
  options.find((option) => option.startsWith(`--${name}=`))?.slice(name.length + 3)

function value(options: readonly string[], name: string): number | undefined {
  const found = text(options, name)
  return found === undefined ? undefined : Number(found)
}

function coresOf(options: readonly string[]): { traced: number; load: number } {
  const [traced = 0, load = 1] = (text(options, 'cores') ?? '0,1').split(',').map(Number)
  return { traced, load }
}
