import { PROGRAM_TYPES } from '../addon.ts'
import { AGENT_MAPS, PROBE_PLACES_MAX } from '../loader.ts'
import type { ProbePlace, Rung, TracerRequest } from '../loader.ts'

/** What an agent may ask for. Whoever has taken it over asks for anything: each limit stands for itself. */
const RUNGS_MAX = 8
const CONSTANTS_MAX = 64
const CONSTANT_BYTES_MAX = 4096
const MAPS_MAX = 32
const MAP_ENTRIES_MAX = 4_194_304
const PROGRAMS_MAX = 64
const TEXT_MAX = 1024
const KEY_BYTES_MAX = 512
/** PID_MAX_LIMIT and PATH_MAX of the kernel. */
const PID_MAX = 4_194_304
const PATH_MAX = 4096
/** The addon looks into no larger file. */
const FILE_BYTES_MAX = 2 ** 30
export const RING_BYTES_MAX = 256 * 1024 * 1024
export const READ_ENTRIES_MAX = 65_536

/** Names of variables, maps, programs and kernel functions are C's. */
const C_NAME = /^[A-Za-z_][A-Za-z0-9_.]{0,127}$/
const TRACER_NAME = /^[a-z][a-z0-9_-]{0,31}$/
/** Four characters for each three bytes, and nothing else. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** An agent asked for something that it may not have: a sentence for it, and for the log. */
export class Denied extends Error {
  override readonly name = 'Denied'
}

/** A request for a tracer, made anew of what was understood: nothing else of what the agent sent comes further. */
export function tracerRequest(asked: unknown, shipped: ReadonlySet<string>): TracerRequest {
  const { tracer, rungs, constants, mapSizes } = fields(asked, 'a request')
  return {
    tracer: name(tracer, TRACER_NAME, 'a tracer'),
    rungs: list(rungs, RUNGS_MAX, 'rungs').map((each) => rung(each, shipped)),
    constants: record(constants, CONSTANTS_MAX, 'constants', (value) => bytes(value, CONSTANT_BYTES_MAX, 'a constant')),
    mapSizes: record(mapSizes, MAPS_MAX, 'map sizes', (value) =>
      integer(value, 1, MAP_ENTRIES_MAX, 'entries of a map'),
    ),
  }
}

function rung(asked: unknown, shipped: ReadonlySet<string>): Rung {
  const { name: called, needs, object, attach, parameters, optional, probes } = fields(asked, 'a rung')
  return {
    name: name(called, TRACER_NAME, 'a rung'),
    needs: list(needs, PROGRAM_TYPES.length, 'needs').map((type) => oneOf(type, PROGRAM_TYPES, 'a type of program')),
    object: shippedObject(object, shipped),
    ...(attach !== undefined && { attach: record(attach, PROGRAMS_MAX, 'attachments', rootCgroup) }),
    ...(parameters !== undefined && {
      parameters: record(parameters, CONSTANTS_MAX, 'parameters', (value) => name(value, C_NAME, 'a kernel function')),
    }),
    ...(optional !== undefined && {
      optional: record(optional, PROGRAMS_MAX, 'optional programs', (value) => text(value, 'a loss')),
    }),
    ...(probes !== undefined && { probes: list(probes, PROGRAMS_MAX, 'probes').map(programName) }),
  }
}

/** By name alone, from the list that was read before anybody asked: no path of the agent's is ever opened. */
function shippedObject(asked: unknown, shipped: ReadonlySet<string>): string {
  if (typeof asked === 'string' && shipped.has(asked)) return asked
  throw new Denied(`${shown(asked)} is none of the objects that Telegen ships`)
}

/** Programs go where their section says, or to the root of the cgroups: the shipped ones need nothing else. */
function rootCgroup(asked: unknown): { readonly kind: 'root cgroup' } {
  const { kind } = fields(asked, 'an attachment')
  if (kind !== 'root cgroup') throw new Denied(`an agent may not attach a program to ${shown(kind)}`)
  return { kind }
}

/** Where a probe is to go. What the process is, and what the path leads to, is looked at where it is opened. */
export function probePlace(asked: unknown): ProbePlace {
  const { kind, pid, path, symbols = [], offsets = [], returns } = fields(asked, 'a place for a probe')
  const place: ProbePlace = {
    kind: oneOf(kind, ['uprobe', 'uprobe_multi'], 'a kind of probe'),
    pid: integer(pid, 1, PID_MAX, 'a process'),
    path: absolutePath(path),
    symbols: list(symbols, PROBE_PLACES_MAX, 'symbols').map((each) => text(each, 'a symbol')),
    offsets: list(offsets, PROBE_PLACES_MAX, 'offsets').map((each) => integer(each, 0, FILE_BYTES_MAX, 'an offset')),
    returns: flag(returns, 'returns'),
  }
  integer(placesOf(place), 1, kind === 'uprobe' ? 1 : PROBE_PLACES_MAX, 'places of a probe')
  return place
}

export const placesOf = ({ symbols = [], offsets = [] }: ProbePlace): number => symbols.length + offsets.length

function absolutePath(asked: unknown): string {
  if (typeof asked === 'string' && asked.startsWith('/') && asked.length < PATH_MAX && !asked.includes('\0'))
    return asked
  throw new Denied(`${shown(asked)} is no absolute path`)
}

function flag(asked: unknown, what: string): boolean {
  if (typeof asked === 'boolean') return asked
  throw new Denied(`${what} is neither true nor false`)
}

export function agentMap(asked: unknown): string {
  return oneOf(asked, AGENT_MAPS, 'a map that an agent may write to')
}

export const mapName = (asked: unknown): string => name(asked, C_NAME, 'a map')
export const programName = (asked: unknown): string => name(asked, C_NAME, 'a program')
export const keyBytes = (asked: unknown, what: string): Uint8Array => bytes(asked, KEY_BYTES_MAX, what)

export function fields(asked: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof asked === 'object' && asked !== null && !Array.isArray(asked)) return asked as Record<string, unknown>
  throw new Denied(`${shown(asked)} is not ${what}`)
}

export function integer(asked: unknown, least: number, most: number, what: string): number {
  if (typeof asked === 'number' && Number.isInteger(asked) && asked >= least && asked <= most) return asked
  throw new Denied(`${what}: ${shown(asked)} is not a whole number from ${least} to ${most}`)
}

export function oneOf<Choice extends string>(asked: unknown, choices: readonly Choice[], what: string): Choice {
  const found = choices.find((choice) => choice === asked)
  if (found === undefined) throw new Denied(`${shown(asked)} is not ${what}`)
  return found
}

function list(asked: unknown, most: number, what: string): readonly unknown[] {
  if (Array.isArray(asked) && asked.length <= most) return asked
  throw new Denied(`${what} are not a list of at most ${most}`)
}

function record<Value>(
  asked: unknown,
  most: number,
  what: string,
  read: (value: unknown) => Value,
): Readonly<Record<string, Value>> {
  const entries = Object.entries(fields(asked, what))
  if (entries.length > most) throw new Denied(`more than ${most} ${what}`)
  return Object.fromEntries(entries.map(([key, value]) => [name(key, C_NAME, what), read(value)]))
}

function name(asked: unknown, form: RegExp, what: string): string {
  if (typeof asked === 'string' && form.test(asked)) return asked
  throw new Denied(`${shown(asked)} is no name of ${what}`)
}

function text(asked: unknown, what: string): string {
  if (typeof asked === 'string' && asked.length <= TEXT_MAX) return asked
  throw new Denied(`${what} is not a text of at most ${TEXT_MAX} characters`)
}

function bytes(asked: unknown, most: number, what: string): Uint8Array {
  if (typeof asked !== 'string' || asked.length > most * 2 || !BASE64.test(asked))
    throw new Denied(`${what} is not bytes`)
  const decoded = Buffer.from(asked, 'base64')
  if (decoded.length === 0 || decoded.length > most) throw new Denied(`${what} is not of 1 to ${most} bytes`)
  return new Uint8Array(decoded)
}

const SHOWN = 80
/** What was sent, cut short, and without anything that a terminal obeys. */
const shown = (asked: unknown): string =>
  typeof asked === 'string' ? JSON.stringify(asked.slice(0, SHOWN)) : asked === null ? 'null' : typeof asked
