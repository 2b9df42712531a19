import type { Node } from '../steps/node.ts'
import { known } from '../wire/fields.ts'
import type { Message } from '../wire/message.ts'
import { Attributes } from './attributes.ts'
import { numberOf, setField, textOf, timeOf, valueOf } from './fields.ts'
import type { RecordView } from './record-view.ts'
import { Resource } from './resource.ts'
import { Scope } from './scope.ts'

const TIME = known('Profile', 'time_unix_nano')
const DURATION = known('Profile', 'duration_nano')
const PERIOD = known('Profile', 'period')
const PROFILE_ID = known('Profile', 'profile_id')
const DROPPED_ATTRIBUTES = known('Profile', 'dropped_attributes_count')
const PAYLOAD_FORMAT = known('Profile', 'original_payload_format')
const PAYLOAD = known('Profile', 'original_payload')
const SAMPLE_TYPE = known('Profile', 'sample_type.type')
const SAMPLE_UNIT = known('Profile', 'sample_type.unit')
const PERIOD_TYPE = known('Profile', 'period_type.type')
const PERIOD_UNIT = known('Profile', 'period_type.unit')

/** What numbers of a profile are, such as `cpu` in `nanoseconds`. */
export interface ValueType {
  readonly type: string
  readonly unit: string
}

/** One profile: samples of one type. Times are nanoseconds since 1970. */
export class Profile implements RecordView {
  readonly level = 'profile'
  /** Values of attributes that were set here have no unit. */
  readonly attributes: Attributes
  readonly resource: Resource
  readonly scope: Scope
  readonly #message: Message

  constructor({ scope }: Pick<Node, 'scope'>) {
    const subject = scope.profile!
    this.attributes = new Attributes(subject)
    this.resource = new Resource({ scope })
    this.scope = new Scope({ scope })
    this.#message = subject.message
  }

  /** What the values of all its samples are. */
  get sampleType(): ValueType {
    return { type: textOf(this.#message, SAMPLE_TYPE), unit: textOf(this.#message, SAMPLE_UNIT) }
  }

  get time(): bigint {
    return timeOf(this.#message, TIME)
  }
  set time(value: bigint) {
    setField(this.#message, TIME, value)
  }

  /** In nanoseconds; 0 where it is of an instant. */
  get duration(): number {
    return numberOf(this.#message, DURATION)
  }

  /** What happens between two samples, `period` times. */
  get periodType(): ValueType {
    return { type: textOf(this.#message, PERIOD_TYPE), unit: textOf(this.#message, PERIOD_UNIT) }
  }

  get period(): number {
    return numberOf(this.#message, PERIOD)
  }

  /** Lower-case hex; empty where it has none. */
  get profileId(): string {
    return textOf(this.#message, PROFILE_ID)
  }
  set profileId(value: string) {
    setField(this.#message, PROFILE_ID, value)
  }

  get droppedAttributesCount(): number {
    return numberOf(this.#message, DROPPED_ATTRIBUTES)
  }
  set droppedAttributesCount(value: number) {
    setField(this.#message, DROPPED_ATTRIBUTES, value)
  }

  /** Such as `pprof` or `jfr`; empty where the original is not there. */
  get originalPayloadFormat(): string {
    return textOf(this.#message, PAYLOAD_FORMAT)
  }

  get originalPayload(): Uint8Array | undefined {
    return valueOf(this.#message, PAYLOAD) as Uint8Array | undefined
  }
}
