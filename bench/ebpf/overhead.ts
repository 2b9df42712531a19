import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from '../../test/free-ports.ts'
import { Kernel, processorTime, TRACERS } from './kernel.ts'
import { type Done, Load, type Task } from './load.ts'
import { difference, median, type Pairs } from './paired.ts'
import type { CostRow, ProgramRow } from './results.ts'
import { dnsmasq, nginx, node, type Server } from './servers.ts'

/** One core for what is traced, another for the load; where there is one alone, they share it. */
export interface Cores {
  readonly traced: number
  readonly load: number
}

export interface Effort {
  readonly pairs: number
  /** Of each window. */
  readonly ms: number
  readonly cores: Cores
}

/** After programs come or go, before anything is measured. */
const SETTLE_MS = 60
/** Requests before each window: caches, and what the kernel makes anew. */
const WARM_UP_MS = 40
const MANY = 8
const CALL_MS = 30
const STATISTICS_MS = 1_500

interface Scenario {
  readonly name: string
  readonly tracers: readonly string[]
  readonly server?: (cores: Cores) => Promise<Server>
  /** The load is a program of another host: it is left out. */
  readonly isRemote: boolean
  readonly measures: readonly Measure[]
  /** What the run time of programs is told by. */
  readonly operation?: string
}

interface Measure {
  readonly what: string
  readonly unit: 'us' | 'ns'
  readonly task: Omit<Task, 'port' | 'ms'> & { readonly ms?: number }
  /** From what the load says, and processor time of the server, in microseconds. */
  readonly of: (done: Done, serverUs: number) => number
}

const onServer = (what: string, task: Measure['task']): Measure => ({
  what: `CPU of the server, per ${what}`,
  unit: 'us',
  task,
  of: ({ operations }, serverUs) => serverUs / operations,
})
const onLoad = (what: string, task: Measure['task']): Measure => ({
  what: `CPU of who asks, per ${what}`,
  unit: 'us',
  task,
  of: ({ operations, cpuUs }) => cpuUs / operations,
})
const latency = (what: string, task: Measure['task']): Measure => ({
  what: `${what}, median`,
  unit: 'us',
  task,
  of: ({ medianUs }) => medianUs,
})
const call = (kind: 'getppid' | 'read' | 'write'): Measure => ({
  what: { getppid: 'getppid()', read: 'read() of /dev/zero', write: 'write() to /dev/null' }[kind],
  unit: 'ns',
  task: { kind, ms: CALL_MS },
  of: ({ medianUs }) => medianUs * 1e3,
})

const REQUESTS: readonly Measure[] = [
  onServer(`request, ${MANY} at once`, { kind: 'http', connections: MANY }),
  latency('Latency of a request, one at a time', { kind: 'http', connections: 1 }),
]
const CALLS = [call('getppid'), call('read'), call('write')]
const onNginx = async ({ traced }: Cores) => nginx(await freePort(), traced)

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'nginx, keep-alive',
    tracers: ['http'],
    server: onNginx,
    isRemote: true,
    measures: REQUESTS,
    operation: 'request',
  },
  {
    name: 'node:http, keep-alive',
    tracers: ['http'],
    server: async ({ traced }) => node(await freePort(), traced),
    isRemote: true,
    measures: REQUESTS,
  },
  { name: 'nginx, keep-alive', tracers: TRACERS, server: onNginx, isRemote: true, measures: REQUESTS },
  {
    name: 'nginx, a connection each',
    tracers: ['tcp'],
    server: onNginx,
    isRemote: true,
    measures: [
      onServer('connection', { kind: 'connections' }),
      latency('Connect, request, close', { kind: 'connections' }),
    ],
    operation: 'connection',
  },
  {
    name: 'a query of dnsmasq on the same host',
    tracers: ['dns'],
    server: ({ traced }) => dnsmasq(traced),
    isRemote: false,
    measures: [
      onLoad('query', { kind: 'dns' }),
      onServer('query', { kind: 'dns' }),
      latency('Latency of a query', { kind: 'dns' }),
    ],
    operation: 'query',
  },
  {
    name: '/bin/true, started and waited for',
    tracers: ['exec'],
    isRemote: false,
    measures: [onLoad('program', { kind: 'spawn' }), latency('Time of a program', { kind: 'spawn' })],
    operation: 'program',
  },
  { name: 'system calls of whoever is not traced', tracers: ['http'], isRemote: true, measures: CALLS },
  { name: 'system calls of whoever is not traced', tracers: TRACERS, isRemote: true, measures: CALLS },
]

export async function overheadBench(
  effort: Effort,
  tell: (row: CostRow) => void,
): Promise<{ costs: CostRow[]; programs: ProgramRow[]; notMeasured: string[] }> {
  const costs: CostRow[] = []
  const programs: ProgramRow[] = []
  const notMeasured: string[] = []
  for (const scenario of SCENARIOS) {
    try {
      const made = await run(scenario, effort)
      made.costs.forEach(tell)
      costs.push(...made.costs)
      programs.push(...made.programs)
    } catch (error) {
      // One that cannot run here, as where its port is taken, is told of, and keeps none of the others out.
      const why = `${scenario.name}, ${scenario.tracers.join(', ')}: ${(error as Error).message}`
      console.error(`NOT MEASURED: ${why}`)
      notMeasured.push(why)
    }
  }
  return { costs, programs, notMeasured }
}

async function run(scenario: Scenario, effort: Effort): Promise<{ costs: CostRow[]; programs: ProgramRow[] }> {
  const { measures, tracers, name } = scenario
  const { cores } = effort
  const load = new Load(scenario.server ? cores.load : cores.traced)
  const kernel = await Kernel.open(scenario.isRemote ? load.pid : undefined)
  let server: Server | undefined
  const pids: number[] = []
  const pairs = measures.map((): Pairs => ({ without: [], with: [] }))
  const window = async (into: 'with' | 'without') => {
    await pause(SETTLE_MS)
    for (const [index, { task, of }] of measures.entries()) {
      const { ms = effort.ms } = task
      const port = server === undefined ? {} : { port: server.port }
      await load.do({ ...task, ...port, ms: WARM_UP_MS })
      const before = server ? processorTime(server.pid) : 0
      const done = await load.do({ ...task, ...port, ms })
      pairs[index]![into].push(of(done, server ? processorTime(server.pid) - before : 0))
    }
  }
  const seen = async () => {
    await kernel.on(tracers, pids)
    await window('with')
    const { bytes, lost } = await kernel.off()
    if (measures !== CALLS && bytes === 0) throw new Error(`${name}: ${tracers.join(', ')} saw nothing`)
    return lost
  }
  let lost = 0
  try {
    server = await scenario.server?.(cores)
    if (server) pids.push(server.pid)
    // The order changes from pair to pair: what a window leaves behind is not always the same one's.
    for (let round = 0; round < effort.pairs; round++) {
      if (round % 2 === 0) await window('without')
      lost += await seen()
      if (round % 2 === 1) await window('without')
    }
    const costs = measures.map(({ what, unit }, index) => ({
      scenario: name,
      tracers: tracers.length === TRACERS.length ? 'all four' : tracers.join(', '),
      what,
      unit,
      without: median(pairs[index]!.without),
      added: difference(pairs[index]!),
      lost,
    }))
    return { costs, programs: await runTimes(scenario, kernel, load, server) }
  } finally {
    await server?.stop()
    await kernel.close()
    load.end()
  }
}

/** The kernel's own count, of everybody's runs while one asks. */
async function runTimes(
  { operation, tracers, measures }: Scenario,
  kernel: Kernel,
  load: Load,
  server: Server | undefined,
): Promise<ProgramRow[]> {
  if (operation === undefined) return []
  await kernel.on(tracers, server ? [server.pid] : [])
  const task = { ...measures[0]!.task, ...(server && { port: server.port }), ms: STATISTICS_MS }
  await load.do({ ...task, ms: WARM_UP_MS })
  let operations = 0
  const programs = await kernel.statistics(async () => void ({ operations } = await load.do(task)))
  const rung = kernel.rungs.join(', ')
  await kernel.off()
  return programs
    .filter(({ runs }) => runs > 0)
    .map(({ name, runTime, runs }) => ({
      tracer: tracers.join(', '),
      rung,
      program: name,
      operation,
      runs: runs / operations,
      nanoseconds: runTime / runs,
      microseconds: runTime / 1e3 / operations,
    }))
}
