import { SIGNALS } from '../data/signal.ts'
import type { Signal } from '../data/signal.ts'

/** `otlp/backup`, split. */
export interface ComponentId {
  readonly type: string
  /** Empty where the id is a type alone. */
  readonly name: string
}

export const MAX_NAME_LENGTH = 1024

const TYPE = /^[a-zA-Z][0-9a-zA-Z_-]{0,62}$/
/** No space, no control character, no symbol. */
const NAME = /^[^\p{Z}\p{C}\p{S}]+$/u

/** Reads `type` or `type/name`, or says what is wrong with it. Spaces around the parts do not count: `otlp / a` is `otlp/a`. */
export function componentId(text: string): ComponentId | string {
  const parts = idParts(text)
  if (typeof parts === 'string') return parts
  if (!TYPE.test(parts.before)) return `in ${quoted(text)} id: invalid character(s) in type ${quoted(parts.before)}`
  return { type: parts.before, name: parts.after }
}

export interface PipelineId {
  readonly signal: Signal
  readonly name: string
}

export function pipelineId(text: string): PipelineId | string {
  const parts = idParts(text)
  if (typeof parts === 'string') return parts
  if (!isSignal(parts.before)) return `unknown pipeline signal: ${quoted(parts.before)}`
  return { signal: parts.before, name: parts.after }
}

export const idText = (type: string, name: string): string => (name === '' ? type : `${type}/${name}`)

const isSignal = (text: string): text is Signal => (SIGNALS as readonly string[]).includes(text)

function idParts(text: string): { readonly before: string; readonly after: string } | string {
  const slash = text.indexOf('/')
  const before = (slash === -1 ? text : text.slice(0, slash)).trim()
  const after = slash === -1 ? '' : text.slice(slash + 1).trim()
  if (before === '' && slash === -1) return 'id must not be empty'
  if (before === '') return `in ${quoted(text)} id: the part before / should not be empty`
  if (slash === -1) return { before, after }
  if (after === '') return `in ${quoted(text)} id: the part after / should not be empty`
  if (after.length > MAX_NAME_LENGTH)
    return `name ${quoted(after)} is longer than ${MAX_NAME_LENGTH} characters (${after.length} characters)`
  if (!NAME.test(after)) return `in ${quoted(text)} id: invalid character(s) in name ${quoted(after)}`
  return { before, after }
}

const quoted = (text: string): string => JSON.stringify(text)
