import { error, FaultError } from '../fault.ts'
import type { Place } from '../place.ts'

/** Where a piece of configuration comes from: `file:agent.yaml`, `env:CONFIG`, `https://host/agent.yaml`, `yaml:exporters::debug::verbosity: basic`. */
export interface Location {
  readonly scheme: Scheme
  readonly opaque: string
}

const SOURCE_SCHEMES = ['file', 'env', 'yaml', 'http', 'https'] as const
/** `rawenv` is for values alone: it hands out a variable's text as it is. */
export const SCHEMES = [...SOURCE_SCHEMES, 'rawenv'] as const
export type Scheme = (typeof SCHEMES)[number]

const known = (schemes: readonly string[]): string => `schemes are ${schemes.join(', ')}`

/** A `--config` argument. Bare paths are files, and so is `C:\agent.yaml`: a scheme has at least two letters. */
export function sourceLocation(argument: string, place: Place): Location {
  if (/^[A-Za-z]:/.test(argument) || !argument.includes(':')) return { scheme: 'file', opaque: argument }
  const { scheme, opaque } = split(argument, place)
  const found = SOURCE_SCHEMES.find((each) => each === scheme)
  if (found !== undefined) return { scheme: found, opaque }
  const message = `unsupported scheme on URI ${JSON.stringify(argument)}`
  const hint = scheme === 'rawenv' ? `a variable that holds a configuration is env:${opaque}` : known(SOURCE_SCHEMES)
  throw refuse('unsupported_scheme', message, place, hint)
}

/** What stands between `${` and `}`; without a scheme it is an environment variable. */
export function referenceLocation(inside: string, place: Place): Location {
  const uri = inside.includes(':') ? inside : `env:${inside}`
  const { scheme, opaque } = split(uri, place)
  if (opaque.includes('$'))
    throw refuse(
      'invalid_reference',
      `the uri ${JSON.stringify(uri)} contains unsupported characters ('$')`,
      place,
      `write \${${uri.replaceAll('$', '')}}`,
    )
  const found = SCHEMES.find((each) => each === scheme)
  if (found !== undefined) return { scheme: found, opaque }
  const hint = opaque.startsWith('-') ? `for a default write \${env:${uri}}` : known(SCHEMES)
  throw refuse('unsupported_scheme', `scheme "${scheme}" is not supported for uri ${JSON.stringify(uri)}`, place, hint)
}

const URI = /^([A-Za-z][A-Za-z0-9+.-]+):(.*)$/s

function split(uri: string, place: Place): { readonly scheme: string; readonly opaque: string } {
  const match = URI.exec(uri)
  if (match === null) throw refuse('invalid_reference', `invalid uri: ${JSON.stringify(uri)}`, place)
  return { scheme: match[1] as string, opaque: match[2] as string }
}

const refuse = (code: string, message: string, place: Place, hint?: string): FaultError =>
  new FaultError(error({ code, message, path: '', place, hint }))
