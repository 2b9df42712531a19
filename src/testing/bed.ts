import { builtInCatalog } from '../builtin.ts'
import type { Clock } from '../component/clock.ts'
import { systemClock } from '../component/clock.ts'
import type { Definition } from '../component/definition.ts'
import type { Origin } from '../component/delivery.ts'
import type { ComponentStatus } from '../component/status.ts'
import { check } from '../config/check.ts'
import { load } from '../config/load.ts'
import type { Batch } from '../data/batch.ts'
import { fromObject } from '../data/codec/from-object.ts'
import { toObject } from '../data/codec/to-object.ts'
import { SIGNALS } from '../data/signal.ts'
import type { Signal } from '../data/signal.ts'
import { Graph } from '../graph/graph.ts'
import { Metrics } from '../graph/metrics.ts'
import { plan } from '../graph/plan.ts'
import type { Plan } from '../graph/plan.ts'
import type { Changes } from '../graph/changes.ts'
import { Telemetry } from '../telemetry/own-telemetry.ts'
import { holdListeners } from '../transport/listen.ts'
import { testComponents } from './test-components.ts'
import type { OnSend, Sent, Source } from './test-components.ts'

export interface BedOptions {
  /** Components under test, beside the built-in ones. */
  readonly definitions?: readonly Definition[]
  readonly clock?: Clock
  /** What `${env:…}` sees. */
  readonly environment?: Readonly<Record<string, string>>
  /** What the sinks do with a batch before they keep it. */
  readonly onSend?: OnSend
  /** Calls the start off. */
  readonly abort?: AbortSignal
  /** Where to measure; by default everything is. */
  readonly metrics?: Metrics
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

const FOR_EVER = 2 ** 30
const PATIENCE = 10_000
const POLL = 5

/**
 * A whole engine for a test: the real loader, checker and graph, run from YAML, with the receiver `test_source` and the
 * exporters `test_sink` and `test_direct` beside the built-in components and the ones under test.
 *
 * ```ts
 * const bed = await TestBed.start(`
 *   receivers: { test_source: }
 *   processors: { mark: { value: hello } }
 *   exporters: { test_sink: }
 *   service: { pipelines: { traces: { receivers: [test_source], processors: [mark], exporters: [test_sink] } } }`,
 *   { definitions: [mark] })
 * await bed.send('traces', { resourceSpans: [ … ] })
 * const [request] = await bed.requests(1)
 * await bed.stop()
 * ```
 */
export class TestBed {
  readonly metrics: Metrics
  readonly logs: LogLine[] = []
  /** What the sinks have taken, in order. */
  readonly sent: Sent[] = []
  /** May be changed while the engine runs. */
  onSend: OnSend | undefined
  readonly #sources = new Map<string, Source>()
  /** Timers of components do not keep a process alive; a test that waits for one must be. */
  readonly #alive = setInterval(() => {}, FOR_EVER)
  #graph: Graph | undefined
  #planOf: (yaml: string) => Promise<Plan> = () => Promise.reject(new Error('the test bed has not been started'))

  private constructor(metrics: Metrics) {
    this.metrics = metrics
  }

  /** Rejects with all faults of the configuration in one message, or with what failed to start. */
  static async start(yaml: string, options: BedOptions = {}): Promise<TestBed> {
    const bed = new TestBed(options.metrics ?? new Metrics())
    try {
      await bed.#start(yaml, options)
    } catch (error) {
      clearInterval(bed.#alive)
      throw error
    }
    return bed
  }

  /** The running graph. */
  get graph(): Graph {
    if (!this.#graph) throw new Error('the test bed has been stopped')
    return this.#graph
  }

  /** Lets the source emit a batch, or a request in the shape of OTLP/JSON. Resolves when it is acknowledged, rejects with the `Refused`. */
  async send(
    signal: Signal,
    request: Batch | object,
    options: { readonly source?: string; readonly origin?: Origin } = {},
  ): Promise<void> {
    const { ingress, stream } = this.source(options.source)
    const batch = 'segments' in request ? request : fromObject(signal as 'traces', request)
    const delivery = ingress.admit(signal, batch, options.origin)
    const reached = delivery.reached(ingress.acknowledge)
    stream.next(delivery)
    await reached
  }

  /** A `test_source`, for tests that play the receiver themselves. */
  source(id: string = 'test_source'): Source {
    const source = this.#sources.get(id)
    if (!source) throw new Error(`no receiver "${id}" in the configuration`)
    return source
  }

  /** The requests that the sinks have taken, as objects, once there are at least `count`. */
  async requests(count: number, exporter?: string): Promise<object[]> {
    const mine = () => this.sent.filter((each) => exporter === undefined || each.exporter === exporter)
    await this.until(() => mine().length >= count, `${count} requests at ${exporter ?? 'the sinks'}`)
    return mine().map(({ bytes, signal }) => toObject(bytes, signal))
  }

  /** Items that the sinks have taken. */
  items(exporter?: string): number {
    return this.sent
      .filter((each) => exporter === undefined || each.exporter === exporter)
      .reduce((sum, each) => sum + each.items, 0)
  }

  status(id: string): ComponentStatus {
    const found = this.graph.statuses().find((each) => each.id === id)
    if (!found) throw new Error(`no component "${id}"`)
    return found
  }

  /** Waits, for ten seconds at most, until `condition` holds; `what` names it in the error. */
  async until(condition: () => boolean, what: string): Promise<void> {
    for (const end = performance.now() + PATIENCE; !condition();) {
      if (performance.now() > end) throw new Error(`waited ${PATIENCE} ms for ${what}`)
      await new Promise((resolve) => setTimeout(resolve, POLL))
    }
  }

  /** Goes over to another configuration while data flows. Undefined where it is the same; rejects with what failed to start, the old one back. */
  async reload(
    yaml: string,
    {
      drain = AbortSignal.timeout(PATIENCE),
      abort,
    }: { readonly drain?: AbortSignal; readonly abort?: AbortSignal } = {},
  ): Promise<Changes | undefined> {
    const prepared = this.graph.prepare(await this.#planOf(yaml))
    return prepared && this.graph.reload(prepared, { drain, abort })
  }

  /** Stops, and throws where a delivery is still open or a byte still charged. */
  async stop(deadline: AbortSignal = AbortSignal.timeout(PATIENCE)): Promise<void> {
    const { graph } = this
    try {
      await graph.stop(deadline)
    } finally {
      clearInterval(this.#alive)
    }
    this.#graph = undefined
    for (const signal of SIGNALS) {
      const { used } = graph.budgets[signal]
      if (used !== 0)
        throw new Error(
          `${used} bytes of ${signal} are still charged: a delivery was never ended, or a batch never released`,
        )
    }
    const open = this.logs.find(({ message }) => message.startsWith('Deliveries were still open'))
    if (open) throw new Error(`${open.message}: ${JSON.stringify(open.fields)}`)
  }

  async #start(yaml: string, options: BedOptions): Promise<void> {
    this.onSend = options.onSend
    const catalog = builtInCatalog()
    const components = testComponents(this.#sources, this.sent, () => this.onSend)
    for (const definition of [...components, ...(options.definitions ?? [])]) catalog.addPlugin(definition, 'test')
    this.#planOf = async (text) => {
      const { environment } = options
      const loaded = load({ configs: [`yaml:${text}`], ...(environment && { environment }) })
      const { configuration, faults } = await check(loaded, catalog)
      if (!configuration) throw new Error(faults.map(({ path, message }) => `${path}: ${message}`).join('\n'))
      return plan(configuration)
    }
    const { clock = systemClock } = options
    const log = this.#log({})
    const logOf = (kind: string, id: string) => this.#log({ kind, id })
    const startTime = clock.now()
    const own = new Telemetry({
      metrics: this.metrics,
      resource: { 'service.name': 'test' },
      version: 'test',
      clock,
      startTime,
    })
    const { metrics } = this
    const environment = { clock, log, logOf, metrics, own, startTime, holdListeners }
    this.#graph = new Graph(await this.#planOf(yaml), environment)
    await this.#graph.start(options.abort)
  }

  #log(bound: object) {
    const at = (level: LogLine['level']) => (fields: object, message: string) =>
      void this.logs.push({ level, message, fields: { ...bound, ...fields } })
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  }
}
