import type { MessageSocket } from '../addon.ts'
import { Unavailable } from '../loader.ts'
import type { KernelLoader, LoadedTracer, LoaderLog } from '../loader.ts'
import { reasonOf } from '../reasons.ts'
import {
  agentMap,
  Denied,
  fields,
  integer,
  keyBytes,
  mapName,
  oneOf,
  placesOf,
  probePlace,
  programName,
  READ_ENTRIES_MAX,
  RING_BYTES_MAX,
  tracerRequest,
} from './checked.ts'
import { base64, CALLS, fragments, PROTOCOL_VERSION, WAITING_REQUESTS_MAX } from './protocol.ts'
import type { Answer, Welcome } from './protocol.ts'

const TRACERS_MAX = 16
/** Places that an agent may have probed at once. */
const PROBES_MAX = 1024
const MESSAGE_MAX = 4096
/** Requests that are refused, before whoever makes them is taken for no agent of ours. */
const DENIALS_MAX = 32

/** Milliseconds for an agent to say who it is: until it is served no more, no other of its user is. */
const GREETING_MS = 5_000

export interface ServedAgentNeeds {
  readonly socket: MessageSocket
  readonly loader: KernelLoader
  /** Names of the objects that may be loaded. */
  readonly shipped: ReadonlySet<string>
  readonly log: LoaderLog & { warn(fields: object, message: string): void }
  /** Instead of `GREETING_MS`; tests are not that patient. */
  readonly greetingMs?: number
  /** Called once, when all that was loaded for it is gone. */
  readonly gone: () => void
}

/** One agent, on the loader's side. Whatever it sends is checked; what it had loaded goes with its connection. */
export class ServedAgent {
  readonly #needs: ServedAgentNeeds
  readonly #tracers = new Map<number, LoadedTracer>()
  /** Places by handle, of each tracer. */
  readonly #probes = new Map<LoadedTracer, Map<number, number>>()
  #lastTracer = 0
  #waiting = 0
  #denials = 0
  #turn: Promise<void> = Promise.resolve()
  #greeted = false
  readonly #greeting: NodeJS.Timeout
  #ending: Promise<void> | undefined

  constructor(needs: ServedAgentNeeds) {
    this.#needs = needs
    const { socket, greetingMs = GREETING_MS } = needs
    this.#greeting = setTimeout(() => this.#disown(new Denied('it did not say who it is')), greetingMs)
    socket.onClose((reason) => void this.end(reason?.message ?? 'it has gone'))
    // An agent has no descriptors to pass, and none is taken: they would be this process's for good.
    socket.onMessage((message) => this.#take(message), false)
  }

  /** Detaches everything that was loaded for it. */
  end(reason: string): Promise<void> {
    return (this.#ending ??= this.#end(reason))
  }

  async #end(reason: string): Promise<void> {
    const { socket, loader, log, gone } = this.#needs
    clearTimeout(this.#greeting)
    socket.close()
    try {
      await loader.close()
    } catch (error) {
      log.warn(
        { ...socket.peer, error },
        'Not all that an agent had loaded could be taken away; the rest goes with this process',
      )
    }
    log.info(
      { ...socket.peer, tracers: this.#tracers.size, reason },
      'An agent is served no more, and what it had loaded is gone',
    )
    this.#tracers.clear()
    this.#probes.clear()
    gone()
  }

  #take(message: Buffer): void {
    if (this.#ending) return
    try {
      const asked = fields(parsed(message), 'a message')
      if (!this.#greeted) return this.#greet(asked)
      const id = integer(asked['id'], 1, Number.MAX_SAFE_INTEGER, 'the id of a request')
      if (++this.#waiting > WAITING_REQUESTS_MAX) throw new Denied('an agent that does not wait for its answers')
      this.#turn = this.#turn.then(() => this.#serve(id, asked)).catch((thrown: unknown) => this.#disown(thrown))
    } catch (thrown) {
      this.#disown(thrown)
    }
  }

  #greet({ telegen: version }: Readonly<Record<string, unknown>>): void {
    if (version !== PROTOCOL_VERSION) {
      this.#send({
        refused: `the loader speaks version ${PROTOCOL_VERSION} of the protocol, and not what the agent does`,
      })
      throw new Denied('another version of the protocol')
    }
    this.#greeted = true
    clearTimeout(this.#greeting)
    this.#send({ telegen: PROTOCOL_VERSION })
  }

  async #serve(id: number, asked: Readonly<Record<string, unknown>>): Promise<void> {
    this.#waiting--
    if (this.#ending) return
    const { answer, descriptors } = await this.#answer(id, asked)
    if (this.#ending) return
    try {
      this.#send(answer, descriptors)
    } catch (thrown) {
      if (!(thrown instanceof RangeError)) return this.#disown(thrown)
      this.#send({ id, failed: { message: thrown.message, passedOver: [] } })
    }
  }

  async #answer(id: number, asked: Readonly<Record<string, unknown>>): Promise<Answered> {
    try {
      const { result, descriptors } = await this.#call(asked)
      return { answer: { id, result }, ...(descriptors && { descriptors }) }
    } catch (thrown) {
      if (thrown instanceof Denied) this.#deny(thrown)
      const passedOver = thrown instanceof Unavailable ? thrown.passedOver : []
      return { answer: { id, failed: { message: reasonOf(thrown).slice(0, MESSAGE_MAX), passedOver } } }
    }
  }

  async #call(asked: Readonly<Record<string, unknown>>): Promise<Result> {
    const { loader } = this.#needs
    switch (oneOf(asked['call'], CALLS, 'a call')) {
      case 'capabilities':
        return { result: await loader.capabilities() }
      case 'ring': {
        const { bytes, descriptor } = await loader.ring(integer(asked['bytes'], 1, RING_BYTES_MAX, 'bytes of the ring'))
        return { result: { bytes }, descriptors: [descriptor] }
      }
      case 'load':
        return { result: await this.#load(asked['request']) }
      case 'counters':
        return { result: await this.#tracer(asked).counters() }
      case 'programs':
        return { result: await this.#tracer(asked).programs() }
      case 'update':
        await this.#tracer(asked).update(
          agentMap(asked['map']),
          keyBytes(asked['key'], 'a key'),
          keyBytes(asked['value'], 'a value'),
        )
        return { result: null }
      case 'delete':
        await this.#tracer(asked).delete(agentMap(asked['map']), keyBytes(asked['key'], 'a key'))
        return { result: null }
      case 'read':
        return { result: await this.#read(asked) }
      case 'attach':
        return { result: await this.#attach(asked) }
      case 'detach':
        return { result: await this.#detach(asked) }
      case 'statistics':
        await loader.enableStatistics()
        return { result: null }
      case 'close':
        return { result: await this.#close(asked) }
    }
  }

  async #load(asked: unknown): Promise<unknown> {
    const { loader, shipped, log, socket } = this.#needs
    if (this.#tracers.size >= TRACERS_MAX) throw new Denied(`an agent may have ${TRACERS_MAX} tracers at once`)
    const request = tracerRequest(asked, shipped)
    const loaded = await loader.load(request)
    const number = ++this.#lastTracer
    this.#tracers.set(number, loaded)
    log.info({ ...socket.peer, tracer: request.tracer, rung: loaded.rung }, 'Loaded for an agent')
    return { tracer: number, rung: loaded.rung, passedOver: loaded.passedOver }
  }

  async #read(asked: Readonly<Record<string, unknown>>): Promise<unknown> {
    const map = mapName(asked['map'])
    const limit = integer(asked['limit'], 0, Number.MAX_SAFE_INTEGER, 'entries to read')
    const { count, keys, values } = await this.#tracer(asked).read(
      map,
      Math.min(limit, READ_ENTRIES_MAX),
      asked['remove'] === true,
    )
    return { count, keys: base64(keys), values: base64(values) }
  }

  async #attach(asked: Readonly<Record<string, unknown>>): Promise<number> {
    const tracer = this.#tracer(asked)
    const program = programName(asked['program'])
    const place = probePlace(asked['place'])
    const probed = [...this.#probes.values()].flatMap((places) => [...places.values()])
    const places = probed.reduce((sum, each) => sum + each, placesOf(place))
    if (places > PROBES_MAX) throw new Unavailable(`an agent may have ${PROBES_MAX} places probed at once`)
    const handle = await tracer.attach(program, place)
    const handles = this.#probes.get(tracer) ?? new Map<number, number>()
    this.#probes.set(tracer, handles.set(handle, placesOf(place)))
    const { log, socket } = this.#needs
    log.debug({ ...socket.peer, program, probed: place.pid, path: place.path }, 'Attached a probe for an agent')
    return handle
  }

  async #detach(asked: Readonly<Record<string, unknown>>): Promise<null> {
    const tracer = this.#tracer(asked)
    const handle = asked['handle']
    const handles = this.#probes.get(tracer)
    // What was attached when the tracer was loaded has handles, too: those are not the agent's.
    if (typeof handle !== 'number' || !handles?.delete(handle)) throw new Denied('no such probe')
    await tracer.detach(handle)
    return null
  }

  async #close(asked: Readonly<Record<string, unknown>>): Promise<null> {
    const tracer = this.#tracer(asked)
    this.#probes.delete(tracer)
    this.#tracers.delete(asked['tracer'] as number)
    await tracer.close()
    return null
  }

  #tracer(asked: Readonly<Record<string, unknown>>): LoadedTracer {
    const found = this.#tracers.get(asked['tracer'] as number)
    if (found === undefined) throw new Denied('no such tracer')
    return found
  }

  #deny(denied: Denied): void {
    const { log, socket } = this.#needs
    log.warn({ ...socket.peer, error: denied }, 'An agent asked for what it may not have')
    if (++this.#denials > DENIALS_MAX) this.#disown(new Denied('too many requests that are refused'))
  }

  #send(answer: Answer | Welcome, descriptors: readonly number[] = []): void {
    let passed = descriptors
    for (const message of fragments(answer)) {
      this.#needs.socket.send(message, passed)
      passed = []
    }
  }

  /** Who speaks like this is no agent of ours, or has been taken over, or does not read: it is served no more. */
  #disown(thrown: unknown): void {
    const { log, socket } = this.#needs
    log.warn({ ...socket.peer, error: thrown }, 'An agent is sent away')
    void this.end(reasonOf(thrown))
  }
}

interface Result {
  readonly result: unknown
  readonly descriptors?: readonly number[]
}

interface Answered {
  readonly answer: Answer
  readonly descriptors?: readonly number[]
}

function parsed(message: Buffer): unknown {
  try {
    return JSON.parse(message.toString())
  } catch (error) {
    throw new Denied('what was sent is not JSON', { cause: error })
  }
}
