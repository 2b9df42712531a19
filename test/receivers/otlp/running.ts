import type { Subscription } from 'rxjs'
import type { ReceiverContext } from '../../../src/component/context.ts'
import type { Delivery } from '../../../src/component/delivery.ts'
import { DELIVERED } from '../../../src/component/delivery.ts'
import type { Receiver } from '../../../src/component/definition.ts'
import definition from '../../../src/receivers/otlp/index.ts'
import type { OtlpOptions } from '../../../src/receivers/otlp/options.ts'
import { TestContext } from '../../component/test-context.ts'
import { configured } from '../../transport/configured.ts'
import { FakeIngress } from '../../transport/fake-ingress.ts'

export interface Taken {
  readonly signal: string
  readonly items: number
  readonly bytes: Buffer
  readonly origin: Delivery['origin']
}

interface Options {
  readonly ingress?: FakeIngress
  /** What becomes of a delivery; by default it is delivered. */
  readonly onDelivery?: (delivery: Delivery) => void
  /** What extensions offer, by their ids. */
  readonly extensions?: Readonly<Record<string, unknown>>
}

/** The receiver on a free port, with an ingress that a test opens and closes. */
export class Running implements AsyncDisposable {
  readonly ingress: FakeIngress
  readonly taken: Taken[] = []
  readonly context: TestContext<OtlpOptions>
  readonly receiver: Receiver
  readonly #subscription: Subscription

  private constructor(
    ingress: FakeIngress,
    context: TestContext<OtlpOptions>,
    receiver: Receiver,
    stream: Awaited<ReturnType<Receiver['open']>>,
    onDelivery: (delivery: Delivery) => void,
  ) {
    this.ingress = ingress
    this.context = context
    this.receiver = receiver
    this.#subscription = stream.subscribe((delivery) => {
      const { batch, origin } = delivery
      this.taken.push({ signal: batch.signal, items: batch.items, bytes: Buffer.concat(batch.segments()), origin })
      onDelivery(delivery)
    })
  }

  /** `yaml`: the receiver's options. */
  static async start(
    yaml: string,
    { ingress = new FakeIngress(), onDelivery = (each) => each.end(DELIVERED), extensions = {} }: Options = {},
  ): Promise<Running> {
    const context = new TestContext('otlp', configured(definition, yaml))
    const receiver = definition.create(
      Object.assign(context, {
        ingress,
        extension: (_: unknown, id: string) => extensions[id],
      }) as ReceiverContext<OtlpOptions>,
    )
    return new Running(ingress, context, receiver, await receiver.open(), onDelivery)
  }

  async close(deadline: AbortSignal): Promise<void> {
    await this.receiver.close(deadline)
    this.#subscription.unsubscribe()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close(AbortSignal.abort())
  }
}
