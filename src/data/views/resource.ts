import type { Node } from '../steps/node.ts'
import { known } from '../wire/fields.ts'
import type { Message } from '../wire/message.ts'
import { Attributes } from './attributes.ts'
import { entityRefsOf, type EntityRef } from './entity-ref.ts'
import { numberOf, setField, textOf } from './fields.ts'
import type { RecordView } from './record-view.ts'

const DROPPED_ATTRIBUTES = known('Resource', 'dropped_attributes_count')
const SCHEMA_URL = known('ResourceSpans', 'schema_url')

/** What telemetry is about: a service, a host, a device. */
export class Resource implements RecordView {
  readonly level = 'resource'
  readonly attributes: Attributes
  readonly #message: Message
  readonly #container: Message

  constructor({ scope }: Pick<Node, 'scope'>) {
    const subject = scope.resource!
    this.attributes = new Attributes(subject)
    this.#message = subject.message
    this.#container = subject.container
  }

  get droppedAttributesCount(): number {
    return numberOf(this.#message, DROPPED_ATTRIBUTES)
  }
  set droppedAttributesCount(value: number) {
    setField(this.#message, DROPPED_ATTRIBUTES, value)
  }

  get entityRefs(): EntityRef[] {
    return entityRefsOf(this.#message)
  }

  /** Of all that stands under the resource; the field is the same in every signal. */
  get schemaUrl(): string {
    return textOf(this.#container, SCHEMA_URL)
  }
}
