import type { Offer } from '../component/capability.ts'
import type { Capability } from '../component/capability.ts'
import type { Context, Host } from '../component/context.ts'
import type { Connector, Exporter, Extension, Processor, Receiver } from '../component/definition.ts'
import type { Ingress } from '../component/ingress.ts'
import { DIRECT } from '../component/sending-options.ts'
import type { SendingOptions } from '../component/sending-options.ts'
import type { Configured } from '../config/configuration.ts'
import type { Signal } from '../data/signal.ts'
import type { Environment } from './environment.ts'
import { extensionKey, receiverKey } from './keys.ts'
import type { Plan, PlannedConnector, PlannedExporter, PlannedPipeline, PlannedReceiver } from './plan.ts'
import { ScopedMeter } from './scoped-meter.ts'
import { StatusLine } from './status-line.ts'

/** One component that has been created. */
export interface Created<T> {
  readonly id: string
  readonly kind: string
  readonly instance: T
  readonly status: StatusLine
  /** Keys (`keys.ts`) of the extensions and receivers whose offers it has asked for until now. */
  readonly uses: ReadonlySet<string>
  /** What the component would find there. */
  readonly extension: Context['extension']
  readonly meter: ScopedMeter
}

/** What extensions and receivers offer, by their keys (`keys.ts`). */
export type Offers = Map<string, readonly Offer[]>

/** A `create` that threw: names the component. */
export class CreateFailed extends Error {
  readonly kind: string
  readonly id: string
  constructor(kind: string, id: string, cause: unknown) {
    super(`failed to create "${id}" ${kind}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.name = 'CreateFailed'
    this.kind = kind
    this.id = id
  }
}

/** Makes the components of one plan. Calls nothing but `create`, which does no I/O. */
export class Components {
  readonly #environment: Environment
  readonly #offers: Offers

  /** `offers`: of extensions that live on; those of new ones are added. */
  constructor(environment: Environment, offers: Offers) {
    this.#environment = environment
    this.#offers = offers
  }

  extension(configured: Plan['extensions'][number], host: Host): Created<Extension> {
    const created = this.#create('extension', configured, [], (context) =>
      configured.definition.create({ ...context, host }),
    )
    this.#offers.set(extensionKey(configured.id), created.instance.offers ?? [])
    return created
  }

  exporter(exporter: PlannedExporter, pipelines: readonly string[]): Created<Exporter> {
    const { signals } = exporter
    return this.#create('exporter', exporter, pipelines, (context) =>
      exporter.definition.create({ ...context, signals }),
    )
  }

  processor(processor: PlannedPipeline['processors'][number], { id, signal }: PlannedPipeline): Created<Processor> {
    return this.#create('processor', processor, [id], (context) =>
      processor.definition.create({ ...context, signal, pipeline: id }),
    )
  }

  connector(connector: PlannedConnector): Created<Connector> {
    const { from, to, pipelines } = connector
    return this.#create('connector', connector, pipelines, (context) =>
      connector.definition.create({ ...context, from, to }),
    )
  }

  receiver(receiver: PlannedReceiver, ingress: Ingress): Created<Receiver> {
    const pipelines = [...receiver.outlets.values()].flat()
    const { own } = this.#environment
    const created = this.#create('receiver', receiver, pipelines, (context) =>
      receiver.definition.create({ ...context, ingress, ...(own && { own }) }),
    )
    this.#offers.set(receiverKey(receiver.id), created.instance.offers ?? [])
    return created
  }

  #create<T>(
    kind: string,
    { id, config }: Configured,
    pipelines: readonly string[],
    make: (context: Context) => T,
  ): Created<T> {
    const { clock, log: engineLog, logOf, metrics } = this.#environment
    const log = logOf(kind, id)
    const status = new StatusLine({ kind, id, pipelines }, clock, engineLog)
    const meter = new ScopedMeter(metrics)
    const uses = new Set<string>()
    const extension = <C>(capability: Capability<C>, wanted: string): C => {
      const { key, implementation } = this.#offered(capability, wanted)
      uses.add(key)
      return implementation
    }
    try {
      const instance = make({ id, config, log, meter, clock, status, extension })
      return { id, kind, status, uses, extension, meter, instance }
    } catch (error) {
      meter.forget()
      throw new CreateFailed(kind, id, error)
    }
  }

  #offered<C>(capability: Capability<C>, id: string): { readonly key: string; readonly implementation: C } {
    const kind = !this.#offers.has(extensionKey(id)) && this.#offers.has(receiverKey(id)) ? 'receiver' : 'extension'
    const key = kind === 'receiver' ? receiverKey(id) : extensionKey(id)
    const offers = this.#offers.get(key)
    if (!offers) throw new Error(`extension "${id}" is not in service::extensions`)
    const found = offers.find((each) => each.capability === (capability as Capability<unknown>))
    if (!found) throw new Error(`${kind} "${id}" does not offer ${capability.name}`)
    return { key, implementation: found.implementation as C }
  }
}

/** How an exporter's sends are queued, retried and timed: what its definition says, else the shared options that its schema has. */
export function sendingOf({ definition, config }: PlannedExporter): SendingOptions {
  if (definition.sending) return definition.sending(config)
  const { timeout, sending_queue, retry_on_failure } = config as {
    timeout?: number
    sending_queue?: SendingOptions['queue']
    retry_on_failure?: SendingOptions['retry']
  }
  return { timeout: timeout ?? DIRECT.timeout, queue: sending_queue, retry: retry_on_failure }
}

/** What an exporter may fill of a signal's budget: an even share. */
export const shareOf = ({ exporters, limits }: Plan, signal: Signal): number =>
  Math.floor(limits[signal] / Math.max(1, exporters.filter((each) => each.signals.includes(signal)).length))
