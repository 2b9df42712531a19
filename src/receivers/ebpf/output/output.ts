import { logs, traces } from '../../../plugin.ts'
import type {
  Attributes,
  Batch,
  LogFields,
  LogsBuilder,
  ScopeFields,
  Signal,
  SpanFields,
  TracesBuilder,
} from '../../../plugin.ts'
import type { Crates } from './crates.ts'
import { Gathering } from './gathering.ts'

/** What is gathered is sent from so many bytes on, whatever the options say: half a crate. */
const BATCH_BYTES = 512 * 1024
/** Processes whose records are gathered at once: each has memory of its own. */
const MOST_BUILDERS = 64
/** What may be gathered while all crates are under way. Beyond it, records are lost, counted. */
const WAITING_BYTES = 8 * 1024 * 1024

const WRITE_SPAN = (builder: TracesBuilder, span: SpanFields) => void builder.span(span)
const WRITE_RECORD = (builder: LogsBuilder, record: LogFields) => void builder.record(record)

/** Spans and log records on their way out: gathered, and sent by number, by size, and whenever `flush` is called. */
export class Output {
  readonly #crates: Crates
  readonly #batchItems: number
  readonly #spans = new Gathering(traces)
  readonly #records = new Gathering(logs)

  constructor(crates: Crates, batchItems: number) {
    this.#crates = crates
    this.#batchItems = batchItems
  }

  /** False where there is no room for it. Throws what is no span. */
  span(scope: ScopeFields, resource: Attributes, span: SpanFields): boolean {
    return this.#add('traces', this.#spans, scope, resource, WRITE_SPAN, span)
  }

  record(scope: ScopeFields, resource: Attributes, record: LogFields): boolean {
    return this.#add('logs', this.#records, scope, resource, WRITE_RECORD, record)
  }

  get isEmpty(): boolean {
    return this.#spans.items === 0 && this.#records.items === 0
  }

  /** Sends what is there, as far as there are crates. */
  flush(): void {
    this.#send('traces', this.#spans)
    this.#send('logs', this.#records)
  }

  #add<B extends TracesBuilder | LogsBuilder, F>(
    signal: Signal,
    gathering: Gathering<B>,
    scope: ScopeFields,
    resource: Attributes,
    write: (builder: B, fields: F) => void,
    fields: F,
  ): boolean {
    if (gathering.bytes >= WAITING_BYTES) return false
    gathering.add(scope, resource, write, fields)
    const { items, bytes, open } = gathering
    if (items >= this.#batchItems || bytes >= BATCH_BYTES || open >= MOST_BUILDERS) this.#send(signal, gathering)
    return true
  }

  #send(signal: Signal, gathering: { readonly items: number; take(): Batch[] }): void {
    if (gathering.items === 0 || this.#crates.areAllUnderWay) return
    this.#crates.send(signal, gathering.take())
  }
}
