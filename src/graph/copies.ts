import type { Kind, Scale } from '../component/definition.ts'
import type { SendingOptions } from '../component/sending-options.ts'
import type { Configuration, Configured, Pipeline } from '../config/configuration.ts'
import type { ReceiverDefinition } from '../component/definition.ts'

/**
 * Finds what of a configuration may run in several processes. A delivery never crosses from one to another, so a receiver is copied only with all
 * that it leads to, through connectors too: one stage that must exist once keeps every receiver before it in the first process.
 */
export class Copies {
  /** Receivers that are copied. */
  readonly receivers: readonly Configured<ReceiverDefinition>[]
  /** Ids of the pipelines that they lead to. */
  readonly copied: ReadonlySet<string>
  /** All other pipelines, with what keeps each. */
  readonly pinned: ReadonlyMap<string, string>
  readonly #configuration: Configuration
  readonly #canShare: boolean
  readonly #reasons = new Map<string, string | undefined>()

  constructor(configuration: Configuration, canShare: boolean) {
    this.#configuration = configuration
    this.#canShare = canShare
    const { receivers, service } = configuration
    this.receivers = [...receivers.values()].filter(
      (each) => this.#fedBy(each.id).length > 0 && this.#keepsReceiver(each) === undefined,
    )
    const copied = new Set<string>()
    for (const { id } of this.receivers) for (const pipeline of this.#fedBy(id)) this.#follow(pipeline, copied)
    this.copied = copied
    this.pinned = new Map(
      service.pipelines.flatMap((each) => (copied.has(each.id) ? [] : [[each.id, this.#reason(each)]])),
    )
  }

  /** Whether `id` feeds pipelines in the copies: a receiver that is copied, or a connector, whose pipelines are copied only where one before it is. */
  feeds(id: string): boolean {
    const { connectors, service } = this.#configuration
    if (!connectors.has(id)) return this.receivers.some((each) => each.id === id)
    return service.pipelines.some((each) => this.copied.has(each.id) && each.exporters.includes(id))
  }

  /** Ids of the extensions that copies use. */
  get extensions(): readonly string[] {
    const { extensions, processors, exporters, connectors, service } = this.#configuration
    const stages = service.pipelines
      .filter(({ id }) => this.copied.has(id))
      .flatMap((each) => [
        ...each.processors.map((id) => processors.get(id)),
        ...each.exporters.map((id) => exporters.get(id) ?? connectors.get(id)),
      ])
    const used = new Set<string>()
    const use = (component: Configured | undefined): void => {
      for (const id of component?.mentions ?? []) {
        if (used.has(id)) continue
        used.add(id)
        use(extensions.get(id))
      }
    }
    for (const each of [...this.receivers, ...stages]) use(each)
    return service.extensions.filter((id) => used.has(id))
  }

  /** Where receivers listen that are copied, or would be, were there not something behind them: that may change while they listen. */
  get shared(): readonly string[] {
    return [...this.#configuration.receivers.values()]
      .filter(({ id, definition }) => this.#canShare && definition.scale === 'replica' && this.#fedBy(id).length > 0)
      .flatMap(({ definition, config }) => definition.listens?.(config) ?? [])
      .filter(canBeShared)
  }

  #fedBy(id: string): readonly Pipeline[] {
    return this.#configuration.service.pipelines.filter((each) => each.receivers.includes(id))
  }

  #follow(pipeline: Pipeline, found: Set<string>): void {
    if (found.has(pipeline.id)) return
    found.add(pipeline.id)
    for (const id of pipeline.exporters)
      if (this.#configuration.connectors.has(id)) for (const next of this.#fedBy(id)) this.#follow(next, found)
  }

  /** Why a pipeline that is not copied is not: what keeps itself, else what keeps its receivers. */
  #reason(pipeline: Pipeline): string {
    const { receivers } = this.#configuration
    const own = this.#keepsPipeline(pipeline)
    if (own !== undefined) return own
    const kept = pipeline.receivers.flatMap((id) => {
      const receiver = receivers.get(id)
      return (receiver && this.#keepsReceiver(receiver)) ?? []
    })
    return kept[0] ?? 'what feeds it runs once'
  }

  #keepsReceiver(receiver: Configured<ReceiverDefinition>): string | undefined {
    const { id, definition, config } = receiver
    if (!this.#canShare) return 'this system does not let several processes listen at one address'
    const own = this.#keeps('receiver', receiver)
    if (own !== undefined) return own
    for (const address of definition.listens?.(config) ?? []) {
      if (canBeShared(address)) continue
      return address.startsWith('tcp://')
        ? `receiver "${id}" lets the system choose its port, which would be another one in each process`
        : `receiver "${id}" listens at ${address}, which one process alone can`
    }
    for (const pipeline of this.#fedBy(id)) {
      const reason = this.#keepsPipeline(pipeline)
      if (reason !== undefined) return `receiver "${id}" leads to pipeline "${pipeline.id}", and ${reason}`
    }
    return undefined
  }

  /** What in a pipeline, or behind its connectors, must exist once. There are no circles: the check has refused them. */
  #keepsPipeline(pipeline: Pipeline): string | undefined {
    if (!this.#reasons.has(pipeline.id)) this.#reasons.set(pipeline.id, this.#findReason(pipeline))
    return this.#reasons.get(pipeline.id)
  }

  #findReason(pipeline: Pipeline): string | undefined {
    const { processors, exporters, connectors } = this.#configuration
    for (const id of pipeline.processors) {
      const reason = this.#keeps('processor', processors.get(id))
      if (reason !== undefined) return reason
    }
    for (const id of pipeline.exporters) {
      const exporter = exporters.get(id)
      const reason = exporter
        ? (onDisk(exporter) ?? this.#keeps('exporter', exporter))
        : this.#keeps('connector', connectors.get(id))
      if (reason !== undefined) return reason
      if (exporter) continue
      for (const next of this.#fedBy(id)) {
        const further = this.#keepsPipeline(next)
        if (further !== undefined) return `connector "${id}" leads to pipeline "${next.id}", and ${further}`
      }
    }
    return undefined
  }

  #keeps(kind: Kind, component: Configured | undefined): string | undefined {
    if (component === undefined) return undefined
    const { id, definition, mentions = [] } = component
    const { scale } = definition as { readonly scale?: Scale }
    if (scale !== 'replica') return `${kind} "${id}" exists once`
    for (const mentioned of mentions) {
      const reason = this.#keeps('extension', this.#configuration.extensions.get(mentioned))
      if (reason !== undefined) return `${kind} "${id}" needs that ${reason}`
    }
    return undefined
  }
}

/** A port that the system chooses would be another one in each process. */
const canBeShared = (address: string): boolean => address.startsWith('tcp://') && !address.endsWith(':0')

function onDisk({ id, config }: Configured): string | undefined {
  const { sending_queue: queue } = config as { sending_queue?: SendingOptions['queue'] }
  return queue?.enabled && queue.storage !== undefined ? `the queue of exporter "${id}" on disk exists once` : undefined
}
