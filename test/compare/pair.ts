/** The Collector and Telegen, each with a backend of its own, on one configuration. */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Case, CaseFile, Request, Stopped } from './case-file.ts'
import { freePorts } from '../free-ports.ts'
import { exportsOf, kindsOf, readLines, readMessages, sizesOf } from './exports.ts'
import { grpcRequest, httpRequest } from './inputs.ts'
import type { JsonObject } from './json.ts'
import { NAMES, Program } from './program.ts'
import type { Name } from './program.ts'
import { sendGrpc, sendHttp } from './send.ts'
import { Sink } from './sink.ts'

/** Rates and the like come with the second look at the machine. */
const SCRAPES = 3
const PATIENCE_MS = 20_000
const DEADLINE_EXCEEDED = 4
const LATE: JsonObject = { code: DEADLINE_EXCEEDED }

export type Both = Readonly<Record<Name, JsonObject>>

/** One of the two, its backend, its ports and its folder. */
class Side {
  readonly sink: Sink
  readonly program: Program
  readonly directory: string
  readonly #ports: readonly [grpc: number, http: number]

  private constructor(sink: Sink, program: Program, directory: string, ports: readonly [number, number]) {
    this.sink = sink
    this.program = program
    this.directory = directory
    this.#ports = ports
  }

  static async start(name: Name, collector: string, file: CaseFile): Promise<Side> {
    const directory = await mkdtemp(join(tmpdir(), `compare-${name}-`))
    await cp(join(import.meta.dirname, 'base.yaml'), join(directory, 'base.yaml'))
    for (const [path, text] of Object.entries({ 'config.yaml': file.config, ...file.files })) {
      await mkdir(join(directory, path, '..'), { recursive: true })
      await writeFile(join(directory, path), text)
    }
    const sink = await Sink.open()
    const ports = (await freePorts(2)) as [number, number]
    const environment = {
      RECEIVE_GRPC: String(ports[0]),
      RECEIVE_HTTP: String(ports[1]),
      SINK_GRPC: String(sink.grpcPort),
      SINK_HTTP: String(sink.httpPort),
      ...file.environment,
    }
    const own = name === 'collector' ? (file.collector_arguments ?? []) : []
    const words = ['--config', 'base.yaml', '--config', 'config.yaml', ...(file.arguments ?? []), ...own]
    const side = new Side(sink, new Program(name, collector, words, environment, directory), directory, ports)
    try {
      await side.program.ready()
    } catch (error) {
      await side.close()
      throw error
    }
    return side
  }

  async send({ send, times = 1, backend = [], words }: Case, waits: boolean): Promise<JsonObject> {
    this.sink.verdicts = [...backend]
    const before = this.sink.taken.length
    let answer: JsonObject = {}
    for (let time = 0; time < times; time++) answer = await this.#request(send)
    if (words !== 'same') answer = withoutWords(answer)
    if (waits) return { answer }
    const taken = this.sink.taken.slice(before)
    return { answer, tries: taken.length, exports: exportsOf(taken) }
  }

  async #request(send: Request): Promise<JsonObject> {
    const isTimed = send.headers?.['grpc-timeout'] !== undefined
    try {
      if (send.transport !== 'grpc') return await sendHttp({ port: this.#ports[1], ...httpRequest(send) })
      const answer = await sendGrpc({ port: this.#ports[0], ...grpcRequest(send) })
      return isTimed && answer['code'] === DEADLINE_EXCEEDED ? LATE : answer
    } catch (error) {
      // A server may let the stream go instead of answering: the sender knows its own deadline.
      return isTimed ? LATE : { none: (error as Error).message }
    }
  }

  async observeStopped({ exports, sizes, kinds, lines = [], messages = {}, printed }: Stopped): Promise<JsonObject> {
    if (kinds) await this.#arrived(SCRAPES)
    const seen: JsonObject = { exit: await this.program.stop() }
    if (exports) seen['exports'] = exportsOf(this.sink.taken, false)
    if (sizes) seen['sizes'] = sizesOf(this.sink.taken)
    if (kinds) seen['kinds'] = kindsOf(this.sink.taken)
    for (const [path, signal] of Object.entries(messages))
      seen[path] = await readMessages(join(this.directory, path), signal)
    for (const path of lines) seen[path] = await readLines(join(this.directory, path))
    if (printed) seen['printed'] = this.program.stdout.split('\n')
    return seen
  }

  /** Resolves when so many requests have come. */
  async #arrived(requests: number): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    while (this.sink.taken.length < requests && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 20))
  }

  async close(): Promise<void> {
    await this.program.stop()
    await this.sink.close()
    await rm(this.directory, { recursive: true, force: true })
  }
}

export class Pair {
  readonly #sides: Readonly<Record<Name, Side>>
  readonly #waits: boolean

  private constructor(sides: Readonly<Record<Name, Side>>, waits: boolean) {
    this.#sides = sides
    this.#waits = waits
  }

  static async start(file: CaseFile, collector: string): Promise<Pair> {
    const first = await Side.start('collector', collector, file)
    try {
      const second = await Side.start('telegen', collector, file)
      return new Pair({ collector: first, telegen: second }, file.stopped?.exports === true)
    } catch (error) {
      await first.close()
      throw error
    }
  }

  /** What can be seen of one case on both sides. */
  async send(each: Case): Promise<Both> {
    return this.#both((side) => side.send(each, this.#waits))
  }

  async stop(stopped: Stopped): Promise<Both> {
    return this.#both((side) => side.observeStopped(stopped))
  }

  /** What one of the backends could not read. */
  faults(): string[] {
    return NAMES.flatMap((name) => this.#sides[name].sink.faults.map((fault) => `${name}: ${fault}`))
  }

  async close(): Promise<void> {
    await Promise.all(NAMES.map((name) => this.#sides[name].close()))
  }

  async #both(look: (side: Side) => Promise<JsonObject>): Promise<Both> {
    const [collector, telegen] = await Promise.all([look(this.#sides.collector), look(this.#sides.telegen)])
    return { collector, telegen }
  }
}

/** Whether something was said, instead of what. */
function withoutWords(answer: JsonObject): JsonObject {
  const said: JsonObject = {}
  for (const [name, value] of Object.entries(answer))
    if (name === 'message' || (name === 'body' && typeof value === 'string')) said[name] = value === '' ? '' : '(words)'
    else said[name] = name === 'body' ? withoutWords(value as JsonObject) : value
  return said
}
