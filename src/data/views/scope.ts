import type { Node } from '../steps/node.ts'
import { known } from '../wire/fields.ts'
import type { Message } from '../wire/message.ts'
import { Attributes } from './attributes.ts'
import { numberOf, setField, textOf } from './fields.ts'
import type { RecordView } from './record-view.ts'
import { Resource } from './resource.ts'

const NAME = known('InstrumentationScope', 'name')
const VERSION = known('InstrumentationScope', 'version')
const DROPPED_ATTRIBUTES = known('InstrumentationScope', 'dropped_attributes_count')
const SCHEMA_URL = known('ScopeSpans', 'schema_url')

/** What made the telemetry: an instrumentation library, a receiver. */
export class Scope implements RecordView {
  readonly level = 'scope'
  readonly attributes: Attributes
  readonly resource: Resource
  readonly #message: Message
  readonly #container: Message

  constructor(node: Pick<Node, 'scope'>) {
    const subject = node.scope.scope!
    this.attributes = new Attributes(subject)
    this.resource = new Resource(node)
    this.#message = subject.message
    this.#container = subject.container
  }

  get name(): string {
    return textOf(this.#message, NAME)
  }
  set name(value: string) {
    setField(this.#message, NAME, value)
  }

  get version(): string {
    return textOf(this.#message, VERSION)
  }
  set version(value: string) {
    setField(this.#message, VERSION, value)
  }

  get droppedAttributesCount(): number {
    return numberOf(this.#message, DROPPED_ATTRIBUTES)
  }
  set droppedAttributesCount(value: number) {
    setField(this.#message, DROPPED_ATTRIBUTES, value)
  }

  /** Of all that stands under the scope; the field is the same in every signal. */
  get schemaUrl(): string {
    return textOf(this.#container, SCHEMA_URL)
  }
}
