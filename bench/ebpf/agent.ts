import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../test/free-ports.ts'
import { memory } from '../relay/accounting.ts'
import { grpcSink } from '../relay/grpc-sink.ts'
import { started } from './children.ts'
import { TRACERS, processorTime } from './kernel.ts'
import { Load } from './load.ts'
import type { Cores } from './overhead.ts'
import type { AgentRow, IdleRow } from './results.ts'
import { nginx } from './servers.ts'

const BUILT = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const READY = 'Everything is ready'
const START_LIMIT_MS = 30_000
const CONNECTIONS = 16
/** Requests a second, at least. */
const WARM_UP_RATE = 2_000

export interface AgentEffort {
  readonly cores: Cores
  /** Until its code is compiled, at `WARM_UP_RATE`: an agent runs for months, not for its first minute. */
  readonly warmUpMs: number
  /** Then at the rate that is measured. */
  readonly settleMs: number
  readonly ms: number
  readonly idleMs: number
  /** Another `telegen` than the one in `dist/`: its `cli/main.js`. */
  readonly telegen?: string | undefined
  /** For `--cpu-prof`: a folder, where its profiles go. */
  readonly profiles?: string | undefined
}

interface Case {
  readonly rate: number
  readonly sides: 'server' | 'both'
  readonly output: 'nop' | 'otlp_grpc'
  /** Share of a core that the project promises to stay below. */
  readonly wanted?: number
}

const CASES: readonly Case[] = [
  { rate: 200, sides: 'server', output: 'nop', wanted: 0.01 },
  { rate: 200, sides: 'server', output: 'otlp_grpc', wanted: 0.01 },
  { rate: 200, sides: 'both', output: 'otlp_grpc', wanted: 0.01 },
  { rate: 5_000, sides: 'server', output: 'nop', wanted: 0.1 },
  { rate: 5_000, sides: 'server', output: 'otlp_grpc', wanted: 0.1 },
  { rate: 5_000, sides: 'both', output: 'nop' },
  { rate: 5_000, sides: 'both', output: 'otlp_grpc' },
]

/** What the agent's process takes while nginx is asked so often, with its tracer http. */
export async function agentBench(
  effort: AgentEffort,
  tell: (row: AgentRow) => void,
  chosen: (one: Case) => boolean = () => true,
): Promise<AgentRow[]> {
  const rows: AgentRow[] = []
  for (const one of CASES.filter(chosen)) {
    const row = await run(one, effort)
    tell(row)
    rows.push(row)
  }
  return rows
}

/** What it takes while nobody asks anything, with all its tracers. */
export async function idleBench(effort: AgentEffort): Promise<IdleRow> {
  const agent = await Agent.start(
    configuration(`{ ${TRACERS.map((name) => `${name}: {}`).join(', ')} }`, '', 'nop', 0),
    effort,
  )
  try {
    await pause(effort.warmUpMs)
    const before = processorTime(agent.pid)
    const began = performance.now()
    await pause(effort.idleMs)
    const core = (processorTime(agent.pid) - before) / 1e3 / (performance.now() - began)
    return { core, residentBytes: memory(agent.pid).now, seconds: effort.idleMs / 1e3 }
  } finally {
    await agent.stop()
  }
}

async function run({ rate, sides, output, wanted }: Case, effort: AgentEffort): Promise<AgentRow> {
  const { cores, warmUpMs, settleMs, ms } = effort
  const server = await nginx(await freePort(), cores.traced)
  const load = new Load(cores.load)
  const sinkPort = await freePort()
  const backend = { bytes: 0 }
  const sink = grpcSink(sinkPort, {
    arrived: (_, from, to) => void (backend.bytes += to - from),
    fault: (why) => console.error(why),
  })
  const include = [server.pid, ...(sides === 'both' ? [load.pid] : [])].join(', ')
  const agent = await Agent.start(
    configuration('{ http: {} }', `include: [{ pids: [${include}] }]`, output, sinkPort),
    effort,
  )
  try {
    const task = { kind: 'http', port: server.port, connections: CONNECTIONS, rate } as const
    await load.do({ ...task, rate: Math.max(rate, WARM_UP_RATE), ms: warmUpMs })
    await load.do({ ...task, ms: settleMs })
    const before = processorTime(agent.pid)
    const { operations, wallUs } = await load.do({ ...task, ms })
    const used = processorTime(agent.pid) - before
    if (output === 'otlp_grpc' && backend.bytes === 0) throw new Error('nothing arrived at the backend')
    return {
      rate,
      sides,
      output,
      wanted,
      reached: (operations * 1e6) / wallUs,
      core: used / wallUs,
      perRequestUs: used / operations,
      residentBytes: memory(agent.pid).now,
    }
  } finally {
    await agent.stop()
    await server.stop()
    load.end()
    sink.close()
  }
}

/** As built: where the build is older than the sources, it measures what was. */
class Agent {
  readonly #child
  readonly #folder = mkdtempSync(join(tmpdir(), 'telegen-agent-'))

  private constructor(yaml: string, { telegen = BUILT, profiles }: AgentEffort) {
    const file = join(this.#folder, 'agent.yaml')
    writeFileSync(file, yaml)
    const profiling = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`]
    this.#child = started(
      spawn(process.execPath, [...profiling, telegen, '--config', file], {
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    )
  }

  static async start(yaml: string, effort: AgentEffort): Promise<Agent> {
    const agent = new Agent(yaml, effort)
    let said = ''
    for (const stream of [agent.#child.stdout, agent.#child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-8000)))
    const limit = performance.now() + START_LIMIT_MS
    while (!said.includes(READY)) {
      if (agent.#child.exitCode !== null || performance.now() > limit)
        throw new Error(`telegen did not start:\n${said}`)
      await pause(20)
    }
    return agent
  }

  get pid(): number {
    return this.#child.pid as number
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
    rmSync(this.#folder, { recursive: true })
  }
}

function configuration(tracers: string, selection: string, output: Case['output'], port: number): string {
  const exporter =
    output === 'nop' ? 'nop:' : `otlp_grpc: { endpoint: 'http://127.0.0.1:${port}', tls: { insecure: true } }`
  const pipeline = `{ receivers: [ebpf], processors: [batch], exporters: [${output}] }`
  return `
receivers:
  ebpf:
    tracers: ${tracers}
    ${selection}
processors:
  batch: { timeout: 200ms, send_batch_size: 512 }
exporters:
  ${exporter}
service:
  telemetry: { metrics: { level: none } }
  pipelines:
    traces: ${pipeline}
    metrics: ${pipeline}
    logs: ${pipeline}
`
}
