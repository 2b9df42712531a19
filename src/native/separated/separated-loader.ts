import type { Addon, ProgramInfo } from '../addon.ts'
import type { Capabilities } from '../capabilities.ts'
import { Unavailable } from '../loader.ts'
import type {
  KernelLoader,
  LoadedTracer,
  LoaderLog,
  MapEntries,
  PassedOver,
  RingSource,
  TracerRequest,
} from '../loader.ts'
import { closeAll, LoaderConnection } from './loader-connection.ts'
import type { Call } from './protocol.ts'
import { base64 } from './protocol.ts'

export interface SeparatedOptions {
  readonly addon: Addon
  /** Where `telegen bpf-loader` listens. */
  readonly socket: string
  /** Has the kernel count runs and run time of all programs for as long as something is loaded, where the loader was started with `--stats`. */
  readonly statistics?: boolean
  readonly log?: LoaderLog
}

/** A loader that is another process. */
export interface SeparatedLoader extends KernelLoader {
  /** Its process, for as long as there is a connection. */
  readonly pid: number | undefined
}

/**
 * Asks `telegen bpf-loader`, which has the privileges, so that this process needs none. Connects with the first call, and with the next call
 * after it was lost; a call rejects with `Unavailable` at once where nobody answers, so whoever calls decides how long to wait before the next.
 */
export function separatedLoader(options: SeparatedOptions): SeparatedLoader {
  return new Separated(options)
}

class Separated implements SeparatedLoader {
  readonly #options: SeparatedOptions
  readonly #listeners: ((reason: Error) => void)[] = []
  #connecting: Promise<LoaderConnection> | undefined
  #connection: LoaderConnection | undefined
  #ring: Promise<RingSource> | undefined
  /** Whether the loader was asked to count. */
  #counting = false
  #descriptors: number[] = []
  #closed = false

  constructor(options: SeparatedOptions) {
    this.#options = options
  }

  get pid(): number | undefined {
    return this.#connection?.pid
  }

  async capabilities(): Promise<Capabilities> {
    return (await (await this.#connected()).call('capabilities')).result as Capabilities
  }

  async ring(bytes: number): Promise<RingSource> {
    const connection = await this.#connected()
    const asked = (this.#ring ??= this.#askRing(connection, bytes))
    try {
      return await asked
    } catch (thrown) {
      if (this.#ring === asked) this.#ring = undefined
      throw thrown
    }
  }

  async load(request: TracerRequest): Promise<LoadedTracer> {
    const connection = await this.#connected()
    const constants = Object.entries(request.constants).map(([name, bytes]) => [name, base64(bytes)])
    const asked = { ...request, constants: Object.fromEntries(constants) as object }
    const { result } = await connection.call('load', { request: asked })
    if (this.#options.statistics && !this.#counting) await this.#tryStatistics()
    return remoteTracer(connection, result as Loaded)
  }

  async enableStatistics(): Promise<void> {
    await (await this.#connected()).call('statistics')
  }

  onLost(listener: (reason: Error) => void): void {
    this.#listeners.push(listener)
  }

  async close(): Promise<void> {
    this.#closed = true
    const connection = this.#connection ?? (await this.#connecting?.catch(() => undefined))
    connection?.close()
    this.#forget()
  }

  /** A tracer without them is better than none. */
  async #tryStatistics(): Promise<void> {
    this.#counting = true
    try {
      await this.enableStatistics()
    } catch (thrown) {
      if (!(thrown instanceof Unavailable)) throw thrown
      this.#options.log?.info({}, thrown.message)
    }
  }

  async #connected(): Promise<LoaderConnection> {
    if (this.#closed) throw new Unavailable('the loader was closed')
    if (this.#connection?.isOpen) return this.#connection
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined))
    return this.#connecting
  }

  async #connect(): Promise<LoaderConnection> {
    const { addon, socket } = this.#options
    const connection = await LoaderConnection.open(addon, socket, (reason) => this.#lose(reason))
    if (this.#closed) {
      connection.close()
      throw new Unavailable('the loader was closed')
    }
    this.#connection = connection
    return connection
  }

  async #askRing(connection: LoaderConnection, bytes: number): Promise<RingSource> {
    const { result, descriptors } = await connection.call('ring', { bytes })
    const [descriptor, ...more] = descriptors
    closeAll(this.#options.addon, more)
    if (descriptor === undefined) throw new Unavailable('the loader passed no ring')
    this.#descriptors.push(descriptor)
    return { descriptor, bytes: (result as { bytes: number }).bytes }
  }

  #lose(reason: Error): void {
    this.#forget()
    for (const listener of this.#listeners) listener(reason)
  }

  /** Whoever reads the ring has a descriptor of its own, and reads what was in it to the end. */
  #forget(): void {
    this.#connection = undefined
    this.#ring = undefined
    this.#counting = false
    closeAll(this.#options.addon, this.#descriptors)
    this.#descriptors = []
  }
}

interface Loaded {
  readonly tracer: number
  readonly rung: string
  readonly passedOver: readonly PassedOver[]
}

function remoteTracer(connection: LoaderConnection, { tracer, rung, passedOver }: Loaded): LoadedTracer {
  const ask = async (call: Call, asked: object = {}) => (await connection.call(call, { tracer, ...asked })).result
  let closing: Promise<void> | undefined
  const close = async () => {
    try {
      await ask('close')
    } catch (thrown) {
      // With the connection everything of it went.
      if (!(thrown instanceof Unavailable)) throw thrown
    }
  }
  return {
    rung,
    passedOver,
    counters: async () => (await ask('counters')) as number[],
    programs: async () => (await ask('programs')) as ProgramInfo[],
    update: async (map, key, value) => void (await ask('update', { map, key: base64(key), value: base64(value) })),
    delete: async (map, key) => void (await ask('delete', { map, key: base64(key) })),
    read: async (map, limit, remove) => entriesOf(await ask('read', { map, limit, remove })),
    attach: async (program, place) => (await ask('attach', { program, place })) as number,
    detach: async (handle) => void (await ask('detach', { handle })),
    close: () => (closing ??= close()),
  }
}

function entriesOf(result: unknown): MapEntries {
  const { count, keys, values } = result as { count: number; keys: string; values: string }
  return { count, keys: Buffer.from(keys, 'base64'), values: Buffer.from(values, 'base64') }
}
