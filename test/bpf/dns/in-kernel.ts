import { setTimeout } from 'node:timers/promises'
import { inProcessLoader, loadAddon, Unavailable } from '../../../src/native.ts'
import type { LoadedTracer, Ring } from '../../../src/native.ts'
import { HEADER_BYTES, RECORD_BYTES } from '../../../src/receivers/ebpf/event.ts'
import type { Tracer, TracerDefinition } from '../../../src/receivers/ebpf/tracer.ts'
import { recordingContext } from '../../receivers/ebpf/dns/recording-context.ts'

const DRAIN_BYTES = 256 * 1024
const LENGTH = 0x3fff_ffff
const LOOKS = 250
const LOOK_MS = 20

/** One tracer by one rung in this machine's kernel, read while somebody waits. */
export class InKernel {
  readonly recorded: ReturnType<typeof recordingContext>
  readonly loaded: LoadedTracer
  readonly #tracer: Tracer
  readonly #ring: Ring
  readonly #close: () => Promise<void>
  readonly #buffer = Buffer.alloc(DRAIN_BYTES)

  constructor(
    tracer: Tracer,
    recorded: InKernel['recorded'],
    ring: Ring,
    loaded: LoadedTracer,
    close: () => Promise<void>,
  ) {
    this.#tracer = tracer
    this.recorded = recorded
    this.#ring = ring
    this.loaded = loaded
    this.#close = close
  }

  drain(): void {
    for (let bytes = this.#ring.drain(this.#buffer); bytes > 0; bytes = this.#ring.drain(this.#buffer))
      for (let at = 0; at + RECORD_BYTES + HEADER_BYTES <= bytes;) {
        const length = this.#buffer.readUInt32LE(at) & LENGTH
        this.#tracer.event(this.#buffer, at + RECORD_BYTES, length)
        at += RECORD_BYTES + ((length + 7) & ~7)
      }
    this.#tracer.tick?.(Number(process.hrtime.bigint()))
  }

  /** What `look` finds, within five seconds. */
  async until<T>(look: () => T | undefined, about: () => unknown = () => ''): Promise<T> {
    for (let tries = 0; tries < LOOKS; tries++) {
      this.drain()
      const found = look()
      if (found !== undefined) return found
      await setTimeout(LOOK_MS)
    }
    throw new Error(`nothing came within ${LOOKS * LOOK_MS} ms ${JSON.stringify(about())}`)
  }

  async close(): Promise<void> {
    this.#ring.close()
    await this.#close()
  }
}

/** A sentence where it cannot be had here. */
export async function inKernel<O>(
  definition: TracerDefinition<O>,
  rung: string,
  options: O,
  wanted?: Parameters<typeof recordingContext>[0],
): Promise<InKernel | string> {
  const native = loadAddon()
  if (native.kind === 'unavailable') return native.reason
  const { addon, folder } = native
  const loader = inProcessLoader({ addon, folder, log: { info: () => {}, warn: () => {}, debug: () => {} } as never })
  try {
    const ring = await loader.ring(4 * 1024 * 1024)
    const loaded = await loader.load({
      tracer: definition.name,
      rungs: definition.rungs.filter(({ name }) => name === rung),
      constants: definition.constants(options),
      mapSizes: definition.mapSizes(options),
    })
    const recorded = recordingContext(wanted)
    const tracer = definition.create(recorded.context, options)
    return new InKernel(tracer, recorded, new addon.Ring(ring.descriptor), loaded, () => loader.close())
  } catch (error) {
    await loader.close()
    if (error instanceof Unavailable) return error.message
    throw error
  }
}
