import type { Static, TProperties, TSchema } from 'typebox'
import type { Capability } from './capability.ts'
import { Type } from './schema-types.ts'

/**
 * Option kinds beyond TypeBox's own. A component's `config` is a schema built of these; static types, validation,
 * defaults, editor schema and reference pages derive from it. An option with a `default` may be left out; one that is
 * wrapped in `Type.Optional` stays undefined when it is; any other is required.
 *
 * The keyword `telegen` names how a written value becomes the one a component sees (`src/config/decode/`).
 */
export type ValueKind = 'duration' | 'byte_size' | 'secret' | 'endpoint' | 'string_list' | 'map_list' | 'component_id'

interface About<D> {
  readonly description: string
  readonly default?: D
}

/** A mapping with just these keys. Written as nothing (`otlp:`), it means all defaults. */
export const Options = <P extends TProperties>(properties: P, about: { description?: string } = {}) =>
  Type.Object(properties, { additionalProperties: false, ...about })

/** A nested mapping that is there, with its defaults, even when nobody writes it. */
export const Block = <P extends TProperties>(properties: P, about: { description: string }) =>
  Type.Object(properties, { additionalProperties: false, default: {}, ...about })

/** A Go duration (`300ms`, `1h30m`; units ns us µs ms s m h). Components see milliseconds. */
export const Duration = (about: About<string>) => Type.Unsafe<number>({ type: 'string', telegen: 'duration', ...about })

/** Bytes: an integer, or a string with kB, MB, GB (powers of 1000) or KiB, MiB, GiB (of 1024). Components see bytes. */
export const ByteSize = (about: About<string | number> & { minimum?: number }) =>
  Type.Unsafe<number>({ type: ['integer', 'string'], telegen: 'byte_size', ...about })

/** A value that is never printed. */
export class Secret {
  readonly #value: string
  constructor(value: string) {
    this.#value = value
  }
  reveal(): string {
    return this.#value
  }
  toString(): string {
    return '[REDACTED]'
  }
  toJSON(): string {
    return '[REDACTED]'
  }
}
export const SecretString = (about: About<string>) =>
  Type.Unsafe<Secret>({ type: 'string', telegen: 'secret', ...about })

/** `host:port`, `[::1]:port`, or a URL, as the component says. */
export const Endpoint = (about: About<string>) => Type.Unsafe<string>({ type: 'string', telegen: 'endpoint', ...about })

export const Port = (about: About<number>) => Type.Integer({ minimum: 0, maximum: 65535, ...about })

/** A list of strings, which may also be written `a,b`. */
export const StringList = (about: About<string[]>) =>
  Type.Unsafe<string[]>({ type: 'array', items: { type: 'string' }, telegen: 'string_list', ...about })

/** Names to values that are never printed, written as a mapping or a list of `{name, value}`: request headers. */
export const Headers = (about: { description: string }) =>
  Type.Unsafe<ReadonlyMap<string, Secret>>({
    type: 'object',
    additionalProperties: { type: 'string' },
    telegen: 'map_list',
    default: {},
    ...about,
  })

/** The id of another component (`file_storage/queue`), checked to be configured. `of` is its kind, `offering` what an extension or receiver must offer. */
export const ComponentId = ({
  offering,
  ...about
}: About<string> & { of: 'extension' | 'pipeline' | 'receiver'; offering?: Capability<unknown> }) =>
  Type.Unsafe<string>({
    type: 'string',
    telegen: 'component_id',
    ...about,
    ...(offering !== undefined && { offering: offering.name }),
  })

/** One of a few words. */
export const Choice = <const V extends readonly string[]>(values: V, about: About<V[number]>) =>
  Type.Unsafe<V[number]>({ type: 'string', enum: [...values], ...about })

export { Type }
export type { Static, TSchema }
