/** What a file of `cases/` may say. CONTRIBUTING.md shows one. */
import { readdirSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { Difference } from './difference.ts'
import type { JsonObject } from './json.ts'
import type { Signal } from './oracle.ts'
import type { Verdict } from './sink.ts'

/** A difference that is wanted, with its reason's heading in docs/differences.md. */
export interface Wanted extends Difference {
  readonly id: string
}

/** A request; what is not said is a small one of its signal, over HTTP, as protobuf. */
export interface Request {
  readonly signal: Signal
  readonly transport?: 'http' | 'grpc'
  readonly encoding?: 'proto' | 'json'
  /** A named input of `inputs.ts`. */
  readonly input?: string
  /** OTLP/JSON, whatever the encoding that it travels in. */
  readonly content?: JsonObject
  /** The body as it stands. */
  readonly text?: string
  readonly hex?: string
  /** How many bytes of the end are cut off. */
  readonly cut?: number
  readonly compression?: string
  readonly method?: string
  readonly path?: string
  /** Null takes a header away that would be there. */
  readonly headers?: Readonly<Record<string, string | null>>
}

export interface Case {
  readonly name: string
  readonly send: Request
  readonly times?: number
  /** What the backend says to the requests of this case, one after the other. */
  readonly backend?: readonly Verdict[]
  /** The HTTP status or gRPC code that the Collector answers with; success where nothing is said. */
  readonly answers?: number
  /** False where nothing arrives at the backend. */
  readonly arrives?: boolean
  /** Whether Telegen's message has the very words of the Collector's. */
  readonly words?: 'same'
  readonly differs?: readonly Wanted[]
}

/** What is compared when both have been stopped. */
export interface Stopped {
  readonly name: string
  /** All that arrived since the start, instead of what arrived by the end of each case. */
  readonly exports?: boolean
  /** Also how many items were in each request. */
  readonly sizes?: boolean
  /** What kinds of metrics arrived, without their values: of programs that look at the machine, each at its own time. */
  readonly kinds?: boolean
  /** Files of OTLP/JSON lines that were written. */
  readonly lines?: readonly string[]
  /** Files of messages that stand behind their lengths, and their signal. */
  readonly messages?: Readonly<Record<string, Signal>>
  /** What the debug exporter printed to standard output. */
  readonly printed?: boolean
  readonly differs?: readonly Wanted[]
}

export interface CaseFile {
  readonly about: string
  /** Laid over `base.yaml`, as text: both programs read the same bytes. */
  readonly config: string
  readonly files?: Readonly<Record<string, string>>
  /** For both. */
  readonly arguments?: readonly string[]
  /** For the Collector only: its feature gates. */
  readonly collector_arguments?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly cases: readonly Case[]
  readonly stopped?: Stopped
}

const KEYS = {
  file: ['about', 'config', 'files', 'arguments', 'collector_arguments', 'environment', 'cases', 'stopped'],
  case: ['name', 'send', 'times', 'backend', 'answers', 'arrives', 'words', 'differs'],
  send: [
    'signal',
    'transport',
    'encoding',
    'input',
    'content',
    'text',
    'hex',
    'cut',
    'compression',
    'method',
    'path',
    'headers',
  ],
  backend: ['http', 'grpc', 'message', 'retry_after', 'rejected', 'text', 'after_ms'],
  stopped: ['name', 'exports', 'sizes', 'kinds', 'lines', 'messages', 'printed', 'differs'],
  differs: ['id', 'at', 'collector', 'telegen'],
} as const

const folder = `${import.meta.dirname}/cases`

export function caseFiles(): CaseFile[] {
  return readdirSync(folder)
    .sort()
    .map((name) => {
      const file = parse(readFileSync(`${folder}/${name}`, 'utf8'), { merge: true }) as CaseFile
      closed(file, 'file', name)
      for (const each of file.cases) {
        closed(each, 'case', name)
        closed(each.send, 'send', name)
        for (const verdict of each.backend ?? []) closed(verdict, 'backend', name)
        for (const wanted of each.differs ?? []) closed(wanted, 'differs', name)
      }
      if (file.stopped) closed(file.stopped, 'stopped', name)
      for (const wanted of file.stopped?.differs ?? []) closed(wanted, 'differs', name)
      return file
    })
}

function closed(object: object, kind: keyof typeof KEYS, name: string): void {
  for (const key of Object.keys(object))
    if (!(KEYS[kind] as readonly string[]).includes(key)) throw new Error(`${name}: a ${kind} has no "${key}"`)
}
