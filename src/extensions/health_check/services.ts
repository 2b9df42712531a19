import type { ExtensionContext, Timer } from '../../plugin.ts'
import { NOT_SERVING, SERVICE_UNKNOWN, SERVING } from './health-messages.ts'
import type { ServingStatus } from './health-messages.ts'
import type { HealthOptions } from './options.ts'
import { isFailing } from './status-report.ts'
import type { Health } from './status-report.ts'

/** How often watched services are looked at, in milliseconds. A state that lasts shorter may go unseen. */
const WATCH_INTERVAL = 500
/** Over all connections. */
const MOST_WATCHES = 1024

export interface Watcher {
  /** Told of the status at once, and whenever it is another. */
  changed(status: ServingStatus): void
  /** Nothing more comes. */
  closed(): void
}

/** What grpc.health.v1 asks for by name: the whole (no name), `extensions`, pipelines, and besides the Collector's `live` and `ready`. */
export class Services {
  readonly #context: ExtensionContext<HealthOptions>
  readonly #health: Health
  readonly #watches = new Map<Watcher, { readonly service: string; last: ServingStatus }>()
  #timer: Timer | undefined

  constructor(context: ExtensionContext<HealthOptions>, health: Health) {
    this.#context = context
    this.#health = health
  }

  /** Undefined where there is no service of that name. */
  status(service: string): ServingStatus | undefined {
    const { host, clock, config } = this.#context
    if (service === 'live') return SERVING
    if (service === 'ready') return host.ready && !host.statuses().some(isFailing) ? SERVING : NOT_SERVING
    const node = this.#health.of(service)
    if (node === undefined) return undefined
    const isError = node.state === 'recoverable_error' || node.state === 'permanent_error'
    if (!isError) return node.state === 'ok' ? SERVING : NOT_SERVING
    return config.component_health && !this.#health.isHealthy(node, clock.now()) ? NOT_SERVING : SERVING
  }

  /** Returns how to stop it; undefined where there are too many already. */
  watch(service: string, watcher: Watcher): (() => void) | undefined {
    if (this.#watches.size >= MOST_WATCHES) return undefined
    const last = this.status(service) ?? SERVICE_UNKNOWN
    this.#watches.set(watcher, { service, last })
    watcher.changed(last)
    this.#timer ??= this.#context.clock.every(WATCH_INTERVAL, () => this.#look())
    return () => {
      this.#watches.delete(watcher)
      if (this.#watches.size === 0) this.#rest()
    }
  }

  close(): void {
    this.#rest()
    for (const watcher of this.#watches.keys()) watcher.closed()
    this.#watches.clear()
  }

  #look(): void {
    for (const [watcher, watch] of this.#watches) {
      const status = this.status(watch.service) ?? SERVICE_UNKNOWN
      if (status === watch.last) continue
      watch.last = status
      watcher.changed(status)
    }
  }

  #rest(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
