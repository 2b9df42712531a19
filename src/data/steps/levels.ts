import type { Signal } from '../signal.ts'
import { attributesOf } from '../wire/fields.ts'
import type { Message } from '../wire/message.ts'
import type { MessageName } from '../wire/schema.ts'
import { ATTRIBUTES_FIELD, ATTRIBUTES_TAG, pointsAtAttributes } from './references.ts'
import type { RecordLevel } from './step.ts'

/** What encloses each level, from the outside in. */
const ENCLOSING: Readonly<Record<RecordLevel, readonly RecordLevel[]>> = {
  resource: [],
  scope: ['resource'],
  span: ['resource', 'scope'],
  spanEvent: ['resource', 'scope', 'span'],
  spanLink: ['resource', 'scope', 'span'],
  metric: ['resource', 'scope'],
  dataPoint: ['resource', 'scope', 'metric'],
  exemplar: ['resource', 'scope', 'metric', 'dataPoint'],
  logRecord: ['resource', 'scope'],
  profile: ['resource', 'scope'],
  sample: ['resource', 'scope', 'profile'],
}

const LEVELS: Readonly<Record<Signal, readonly RecordLevel[]>> = {
  traces: ['resource', 'scope', 'span', 'spanEvent', 'spanLink'],
  metrics: ['resource', 'scope', 'metric', 'dataPoint', 'exemplar'],
  logs: ['resource', 'scope', 'logRecord'],
  profiles: ['resource', 'scope', 'profile', 'sample'],
}

const MESSAGES: Readonly<Record<RecordLevel, readonly MessageName[]>> = {
  resource: ['Resource'],
  scope: ['InstrumentationScope'],
  span: ['Span'],
  spanEvent: ['SpanEvent'],
  spanLink: ['SpanLink'],
  metric: ['Metric'],
  dataPoint: ['NumberDataPoint', 'HistogramDataPoint', 'ExponentialHistogramDataPoint', 'SummaryDataPoint'],
  exemplar: ['Exemplar'],
  logRecord: ['LogRecord'],
  profile: ['Profile'],
  sample: ['Sample'],
}

export const enclosing = (level: RecordLevel): readonly RecordLevel[] => ENCLOSING[level]

/** Whether records of level `inner` stand in records of level `outer`. */
export const encloses = (outer: RecordLevel, inner: RecordLevel): boolean => ENCLOSING[inner].includes(outer)

export const hasLevel = (signal: Signal, level: RecordLevel): boolean => LEVELS[signal].includes(level)

/** The messages that a record of this level may be. */
export const messagesOf = (level: RecordLevel): readonly MessageName[] => MESSAGES[level]

/** What steps look at on one level: the tape of whichever record is at hand. */
export interface Subject {
  readonly level: RecordLevel
  readonly name: MessageName
  readonly message: Message
  /** The message that a resource or scope stands in; the record itself for others. */
  readonly container: Message
  /** Number and tag of the field that holds the attributes. */
  readonly attributes: { readonly number: number; readonly tag: number }
}

export const subjectOf = (level: RecordLevel, name: MessageName, message: Message, container: Message): Subject => ({
  level,
  name,
  message,
  container,
  attributes: pointsAtAttributes(name) ? { number: ATTRIBUTES_FIELD, tag: ATTRIBUTES_TAG } : attributesOf(name),
})

/** What a step sees: its own level's subject and those that enclose it, by level. */
export type Scope = Partial<Readonly<Record<RecordLevel, Subject>>>
