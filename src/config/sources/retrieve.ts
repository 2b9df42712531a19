import { closeSync, openSync, readSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import { error, FaultError, info, warning } from '../fault.ts'
import type { Fault } from '../fault.ts'
import type { Place } from '../place.ts'
import { MAX_TEXT_LENGTH } from '../yaml/read.ts'
import type { Fetched } from './fetch.ts'
import { printableUrl } from './url.ts'
import type { Location } from './location.ts'

/** Where sources are read from; tests give their own. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** What relative paths start from: the working directory, as in the Collector. */
  readonly directory: string
  /** What `http:` and `https:` addresses gave, by address. */
  readonly fetched: ReadonlyMap<string, Fetched>
}

export interface Retrieved {
  readonly text: string
  /** Set for a file or a document of the network: its path as written, its address as it may be printed. */
  readonly file?: string
  /** True for `rawenv:`: nothing in it is expanded, and no `$$` becomes `$`. */
  readonly raw?: boolean
  /** True for `${env:X:-}`: an empty default is an empty string, while an empty variable is nothing. */
  readonly verbatim?: boolean
  /** True where a variable is not set, and the text is the default that the file gives. */
  readonly isDefault?: boolean
}

/** Thrown where an address has to be fetched first. */
export class NotFetched extends Error {
  readonly url: string

  constructor(url: string) {
    super(`${printableUrl(url)} is not fetched yet`)
    this.name = 'NotFetched'
    this.url = url
  }
}

/**
 * The text that a location names. Throws a `FaultError`, or `NotFetched` where it is on the network and not at hand;
 * `warn` hears of variables that are not set.
 */
export function retrieve(
  { scheme, opaque }: Location,
  place: Place,
  surroundings: Surroundings,
  warn: (fault: Fault) => void,
): Retrieved {
  switch (scheme) {
    case 'file':
      return { text: file(opaque, place, surroundings.directory), file: opaque }
    case 'env':
      return variable(opaque, place, surroundings.environment, warn)
    case 'rawenv':
      return { ...variable(opaque, place, surroundings.environment, warn), raw: true }
    case 'http':
    case 'https':
      return document(`${scheme}:${opaque}`, place, surroundings.fetched)
    case 'yaml':
      return { text: opaque }
  }
}

function document(url: string, place: Place, fetched: Surroundings['fetched']): Retrieved {
  const found = fetched.get(url)
  if (found === undefined) throw new NotFetched(url)
  if (found.kind === 'text') return { text: found.text, file: printableUrl(url) }
  const { code, message, hint } = found
  throw new FaultError(error({ code, message: `cannot retrieve the configuration: ${message}`, path: '', place, hint }))
}

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/

function variable(
  opaque: string,
  place: Place,
  environment: Surroundings['environment'],
  warn: (fault: Fault) => void,
): Retrieved {
  const cut = opaque.indexOf(':-')
  const name = cut === -1 ? opaque : opaque.slice(0, cut)
  if (!NAME.test(name)) {
    const message = `environment variable ${JSON.stringify(name)} has invalid name: must match regex ${NAME.source}`
    throw new FaultError(error({ code: 'invalid_variable_name', message, path: '', place }))
  }
  const value = environment[name]
  if (value === undefined && cut !== -1) {
    const text = opaque.slice(cut + 2)
    return { text, verbatim: text === '', isDefault: true }
  }
  const about = (state: string) => `Configuration references ${state} environment variable ${JSON.stringify(name)}`
  if (value === undefined) {
    const hint = `set it, or give a default: \${env:${name}:-value}`
    warn(warning({ code: 'unset_variable', message: about('unset'), path: '', place, hint }))
  } else if (value === '') warn(info({ code: 'empty_variable', message: about('empty'), path: '', place }))
  return { text: value ?? '' }
}

function file(path: string, place: Place, directory: string): string {
  const unreadable = (reason: string, hint?: string) =>
    new FaultError(
      error({
        code: 'unreadable_file',
        path: '',
        place,
        hint,
        message: `cannot retrieve the configuration: unable to read the file file:${path}: open ${path}: ${reason}`,
      }),
    )
  let bytes: Buffer | undefined
  try {
    bytes = bounded(resolve(directory, path))
  } catch (thrown) {
    const { code = '', message } = thrown as NodeJS.ErrnoException
    const hint = code === 'ENOENT' && !isAbsolute(path) ? `paths start from ${directory}` : undefined
    throw unreadable(REASONS.get(code) ?? message, hint)
  }
  if (bytes === undefined) throw unreadable(`longer than ${MAX_TEXT_LENGTH} bytes`)
  return bytes.toString('utf8')
}

/** Undefined where it is too long: a device or a pipe need not end, and does not say how long it is. */
function bounded(path: string): Buffer | undefined {
  const descriptor = openSync(path, 'r')
  try {
    const chunks: Buffer[] = []
    for (let length = 0; length <= MAX_TEXT_LENGTH;) {
      const chunk = Buffer.allocUnsafe(READ_SIZE)
      const read = readSync(descriptor, chunk)
      if (read === 0) return Buffer.concat(chunks)
      chunks.push(chunk.subarray(0, read))
      length += read
    }
    return undefined
  } finally {
    closeSync(descriptor)
  }
}

const READ_SIZE = 64 * 1024

const REASONS = new Map([
  ['ENOENT', 'no such file or directory'],
  ['EACCES', 'permission denied'],
  ['EISDIR', 'is a directory'],
  ['ENOTDIR', 'not a directory'],
  ['ELOOP', 'too many symbolic links encountered'],
])
