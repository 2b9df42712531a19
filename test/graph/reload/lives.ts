import { Observable, Subject } from 'rxjs'
import type { OperatorFunction } from 'rxjs'
import {
  Capability,
  ComponentId,
  defineExporter,
  defineExtension,
  defineProcessor,
  defineReceiver,
  offer,
  Options,
  sendingOptions,
  Type,
} from '../../../src/plugin.ts'
import type { Batch, Context, Definition, Delivery, Life } from '../../../src/plugin.ts'

const STABILITY = { logs: 'development', traces: 'development' } as const
const SUMMARY = 'For reloads.'

/** What a key extension offers: which of its lives it is, and whether that is running. */
export interface Key {
  readonly life: number
  readonly running: boolean
}
const Keys = new Capability<Key>('a key')

const options = {
  mark: Type.String({ default: '', description: 'Makes another of it.' }),
  key: Type.Optional(ComponentId({ of: 'extension', description: 'An extension that it stands on.' })),
}

/** Components of every kind that write down what becomes of them: `start sink/a`, `stop sink/a`. */
export class Lives {
  readonly events: string[] = []
  /** How many starts of a component will fail, by its id; `create sink/a`: how many creations. */
  readonly failing = new Map<string, number>()
  /** What the next start of a component waits for, by its id. */
  readonly hanging = new Map<string, Promise<void>>()
  /** Bodies that sinks took, by their id. */
  readonly received: { readonly sink: string; readonly batch: Buffer; readonly mark: string }[] = []
  /** Batches that `keeper`s hold, by their id. */
  readonly kept = new Map<string, number>()
  readonly #running: string[] = []
  #lives = 0

  definitions(): Definition[] {
    return [this.#sink(), this.#passer(), this.#keeper(), this.#key(), this.#source()]
  }

  /** What has been started and not stopped, sorted. */
  get running(): string[] {
    return this.#running.toSorted()
  }

  /** Events since the last call. */
  told(): string[] {
    return this.events.splice(0)
  }

  #life({ id }: Context, about = ''): Required<Life> {
    if (this.#fails(`create ${id}`)) throw new Error(`${id} is not to be made`)
    const name = `${id}${about}`
    return {
      start: async () => {
        if (this.#fails(id)) throw new Error(`${id} does not start`)
        const hanging = this.hanging.get(id)
        this.hanging.delete(id)
        await hanging
        this.events.push(`start ${name}`)
        this.#running.push(name)
      },
      stop: async () => {
        this.events.push(`stop ${name}`)
        this.#running.splice(this.#running.indexOf(name), 1)
      },
    }
  }

  #fails(what: string): boolean {
    const left = this.failing.get(what) ?? 0
    this.failing.set(what, left - 1)
    return left > 0
  }

  #sink() {
    return defineExporter({
      type: 'life_sink',
      summary: SUMMARY,
      stability: STABILITY,
      config: Options({ ...options, ...sendingOptions }),
      create: (context) => {
        const { id, config } = context
        const life = this.#life(context)
        return {
          ...life,
          start: async () => {
            if (config.key !== undefined) this.#ask(context, config.key)
            await life.start()
          },
          send: async (batch: Batch) => {
            this.received.push({ sink: id, batch: Buffer.concat(batch.segments()), mark: config.mark })
          },
        }
      },
    })
  }

  #passer() {
    return defineProcessor({
      type: 'passer',
      summary: SUMMARY,
      stability: STABILITY,
      config: Options(options),
      create: (context) => ({ ...this.#life(context, ` in ${context.pipeline}`), steps: [] }),
    })
  }

  /** Holds deliveries until it is told to flush, which is at its end. */
  #keeper() {
    const { kept } = this
    const keep =
      (id: string): OperatorFunction<Delivery, Delivery> =>
      (source) =>
        new Observable((output) => {
          const held: Delivery[] = []
          return source.subscribe({
            next: (delivery) => {
              delivery.reach('accepted')
              held.push(delivery)
              kept.set(id, held.length)
            },
            complete: () => {
              for (const delivery of held) output.next(delivery)
              kept.set(id, 0)
              output.complete()
            },
          })
        })
    return defineProcessor({
      type: 'keeper',
      summary: SUMMARY,
      stability: STABILITY,
      config: Options(options),
      create: (context) => ({ ...this.#life(context, ` in ${context.pipeline}`), operator: keep(context.id) }),
    })
  }

  #key() {
    return defineExtension({
      type: 'key',
      summary: SUMMARY,
      stability: { extension: 'development' },
      config: Options(options),
      offers: () => [Keys],
      create: (context) => {
        const life = this.#life(context)
        const key = { life: ++this.#lives, running: false }
        return {
          start: async () => {
            await life.start()
            key.running = true
          },
          stop: async (deadline) => {
            key.running = false
            await life.stop(deadline)
          },
          offers: [offer(Keys, key)],
        }
      },
    })
  }

  #source() {
    return defineReceiver({
      type: 'life_source',
      summary: SUMMARY,
      stability: STABILITY,
      config: Options(options),
      create: (context) => {
        const life = this.#life(context)
        return {
          open: async () => {
            if (context.config.key !== undefined) this.#ask(context, context.config.key)
            await life.start()
            return new Subject<Delivery>()
          },
          close: life.stop,
        }
      },
    })
  }

  #ask(context: Context, id: string): void {
    const key = context.extension(Keys, id)
    this.events.push(`${context.id} got ${id}${key.running ? '' : ' (not running)'}`)
  }
}
