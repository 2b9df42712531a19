import type { Attributes } from '../../plugin.ts'

export const SEQUENCE = 'telemetry_generator.sequence'

export interface Shape {
  /** Number of the first item. */
  readonly first: number
  readonly items: number
  readonly resources: number
  readonly attributes: number
  readonly attributeSize: number
}

/** Stand in a template where each request gets something of its own; no text has such bytes. */
export const MARKS = {
  traceId: mark(0xf0, 16),
  spanId: mark(0xe0, 8),
  value: mark(0xd0, 8),
  start: mark(0xc0, 8),
  end: mark(0xb0, 8),
} as const

function mark(first: number, bytes: number): Buffer {
  return Buffer.from(Array.from({ length: bytes }, (_, index) => first + index))
}

export interface Item {
  /** Of the first item in each resource. */
  readonly resource: Attributes | undefined
  readonly attributes: Attributes
}
