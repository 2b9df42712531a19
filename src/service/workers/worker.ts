import type { Catalog } from '../../component/catalog.ts'
import { systemClock } from '../../component/clock.ts'
import type { Tap } from '../../component/control.ts'
import { check } from '../../config/check.ts'
import type { Loaded } from '../../config/load.ts'
import { SIGNALS } from '../../data/signal.ts'
import { divide } from '../../graph/division.ts'
import type { Division } from '../../graph/division.ts'
import { Graph } from '../../graph/graph.ts'
import { Metrics } from '../../graph/metrics.ts'
import type { Assembly } from '../../graph/parts.ts'
import { plan } from '../../graph/plan.ts'
import type { Plan } from '../../graph/plan.ts'
import { observeCost } from '../../telemetry/process-metrics.ts'
import { observeRuntime } from '../../telemetry/runtime-metrics.ts'
import { holdListeners } from '../../transport/listen.ts'
import { shareAddresses } from '../../transport/shared-addresses.ts'
import { faultLines } from '../fault-lines.ts'
import type { ServiceLog, ServiceOptions } from '../service.ts'
import { Turns } from '../turns.ts'
import type { Look, Request, TappedBytes, Terms, Word } from './messages.ts'

/** Batches of one tap that the first process has not looked at yet: what passes meanwhile is not shown. */
const MOST_UNSEEN = 16
/** Larger batches are not copied for who looks. */
const LARGEST_TAPPED_BYTES = 1024 * 1024

export interface WorkerOptions {
  readonly catalog: () => Catalog
  readonly logger: ServiceOptions['logger']
  readonly onTapped: (tap: number, tapped: TappedBytes) => void
}

interface Prepared {
  readonly plan: Plan
  /** Undefined where it has the same parts. */
  readonly assembly: Assembly | undefined
  readonly shared: Division['shared']
}

/** A process beside the first: runs the part of the configuration that can be copied, and does what the first says. */
export class Worker {
  readonly #options: WorkerOptions
  readonly #hurry = new AbortController()
  readonly #turns = new Turns()
  #reload = new AbortController()
  readonly #taps = new Map<number, { readonly tap: Tap; unseen: number }>()
  #running: Running | undefined

  constructor(options: WorkerOptions) {
    this.#options = options
  }

  /** Undefined until it has been told what to run. */
  get log(): ServiceLog | undefined {
    return this.#running?.log
  }

  answer(request: Request): Promise<unknown> {
    return request.kind === 'look' ? this.#do(request) : this.#turns.take(() => this.#do(request))
  }

  async #do(request: Request): Promise<unknown> {
    switch (request.kind) {
      case 'start':
        return this.#start(request)
      case 'prepare':
        return this.#must().prepare(request.loaded)
      case 'discard':
        return this.#must().discard()
      case 'become':
        return this.#must().become(request.drain, this.#newReload())
      case 'go_back':
        return this.#must().goBack(request.drain, this.#newReload())
      case 'look':
        return this.#must().look()
      case 'stop':
        return this.#running?.stop(this.#hurry.signal)
    }
  }

  hear(word: Word): void {
    switch (word.kind) {
      case 'hurry':
        return this.#hurry.abort(new Error('Telegen is stopping'))
      case 'leave_off':
        return this.#reload.abort(new Error('Telegen is stopping'))
      case 'log_level':
        if (this.log) this.log.level = word.level
        return undefined
      case 'tap':
        return this.#tap(word)
      case 'untap':
        this.#taps.get(word.tap)?.tap.close()
        this.#taps.delete(word.tap)
        return undefined
      case 'seen': {
        const open = this.#taps.get(word.tap)
        if (open) open.unseen--
      }
    }
  }

  async #start(terms: Extract<Request, { kind: 'start' }>): Promise<void> {
    this.#running = new Running(terms, await accepted(terms.loaded, terms, this.#options.catalog()), this.#options)
    await this.#running.start(this.#hurry.signal)
  }

  #newReload(): AbortSignal {
    this.#reload = new AbortController()
    return this.#reload.signal
  }

  #must(): Running {
    if (!this.#running) throw new Error('nothing has been started')
    return this.#running
  }

  #tap({ tap: id, target, side }: Extract<Word, { kind: 'tap' }>): void {
    const { graph } = this.#must()
    const tapped = graph.edges.counts().some(({ edge }) => [edge.pipeline, edge.from, edge.to].includes(target))
    // What runs in the first process alone is not here.
    if (!tapped) return
    const tap = graph.taps.tap(
      target,
      ({ pipeline, from, to, batch }) => {
        const open = this.#taps.get(id)
        if (!open || open.unseen >= MOST_UNSEEN || batch.bytes > LARGEST_TAPPED_BYTES) return
        open.unseen++
        const { signal, items } = batch
        const bytes = Buffer.concat([...batch.segments()])
        this.#options.onTapped(id, { pipeline, from, to, signal, items, bytes })
      },
      side,
    )
    this.#taps.set(id, { tap, unseen: 0 })
  }
}

/** The part of a configuration that this process runs. Rejects where there are faults: the first process has found none. */
async function accepted(loaded: Loaded, { workers }: Terms, catalog: Catalog): Promise<Division> {
  const { configuration, faults } = await check(loaded, catalog, { machine: false })
  if (configuration === undefined) throw new Error(faultLines(faults).join('; '))
  return divide(configuration, workers)
}

class Running {
  readonly log: ServiceLog
  readonly graph: Graph
  readonly #terms: Terms
  readonly #catalog: WorkerOptions['catalog']
  readonly #metrics: Metrics
  readonly #forget: readonly (() => void)[]
  #plan: Plan
  #shared: Division['shared']
  #prepared: Prepared | undefined
  #before: Plan | undefined

  constructor(terms: Terms, { other, shared }: Division, { catalog, logger }: WorkerOptions) {
    const { resource, logs, index } = terms
    this.#terms = terms
    this.#catalog = catalog
    this.log = logger(logs, resource).child({ worker: index }) as ServiceLog
    const { log } = this
    this.#metrics = new Metrics(terms.metrics)
    const metrics = this.#metrics
    this.#forget = [
      ...(metrics.shows('basic') ? [observeCost(metrics)] : []),
      ...(metrics.shows('normal') ? [observeRuntime(metrics)] : []),
    ]
    const logOf = (kind: string, id: string) =>
      log.child({ 'otelcol.component.kind': kind, 'otelcol.component.id': id })
    this.#plan = plan(other)
    this.#shared = shared
    const clock = systemClock
    this.graph = new Graph(this.#plan, { clock, log, logOf, metrics, startTime: clock.now(), holdListeners })
  }

  start(abort: AbortSignal): Promise<void> {
    shareAddresses(this.#shared, { comesFirst: false })
    return this.graph.start(abort)
  }

  async prepare(loaded: Loaded): Promise<void> {
    this.discard()
    const { other, shared } = await accepted(loaded, this.#terms, this.#catalog())
    const next = plan(other)
    this.#prepared = { plan: next, assembly: this.graph.prepare(next), shared }
  }

  discard(): void {
    if (this.#prepared?.assembly) this.graph.discard(this.#prepared.assembly)
    this.#prepared = undefined
  }

  async become(drain: number, abort: AbortSignal): Promise<void> {
    const prepared = this.#prepared
    if (!prepared) throw new Error('nothing has been prepared')
    this.#prepared = undefined
    shareAddresses([...this.#shared, ...prepared.shared], { comesFirst: false })
    if (prepared.assembly) await this.graph.reload(prepared.assembly, termsOf(drain, abort))
    this.#before = this.#plan
    this.#plan = prepared.plan
    this.#shared = prepared.shared
  }

  async goBack(drain: number, abort: AbortSignal): Promise<void> {
    const before = this.#before
    this.#before = undefined
    if (before === undefined) return
    const assembly = this.graph.prepare(before)
    if (assembly) await this.graph.reload(assembly, termsOf(drain, abort))
    this.#plan = before
  }

  look(): Look {
    const { edges, budgets } = this.graph
    return {
      measured: this.#metrics.collect(),
      statuses: this.graph.statuses(),
      edges: edges.counts().map(({ edge: { pipeline, signal, from, to }, items, bytes }) => {
        return { pipeline, signal, from, to, items, bytes }
      }),
      budgets: SIGNALS.map((signal) => ({ signal, used: budgets[signal].used, limit: budgets[signal].limit })),
      open: this.graph.open,
    }
  }

  /** The last look has also what is not measured any more after a stop. */
  async stop(hurry: AbortSignal): Promise<Look> {
    const before = this.look()
    await this.graph.stop(hurry).finally(() => this.#forget.forEach((forget) => forget()))
    const after = this.look()
    const ended = before.measured.filter(({ name }) => !after.measured.some((each) => each.name === name))
    return { ...after, measured: [...after.measured, ...ended] }
  }
}

const termsOf = (drain: number, abort: AbortSignal) => ({
  drain: AbortSignal.any([AbortSignal.timeout(drain), abort]),
  abort,
})
