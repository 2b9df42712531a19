import { isIP } from 'node:net'
import { resolve } from 'node:path'
import type { Definition } from '../../component/definition.ts'
import { error } from '../fault.ts'
import type { Fault } from '../fault.ts'
import { masking } from '../masking.ts'
import { plain } from '../node.ts'
import type { Node } from '../node.ts'
import type { Place } from '../place.ts'
import type { Component } from './components.ts'

/** Something that will listen: what it is called, and where that stands. */
export interface Listener {
  /** `tcp://host:port` or `unix:path`. */
  readonly address: string
  readonly path: string
  readonly place: Place
  /** What it was read from, for values that must not be shown. */
  readonly body: Node
}

/** Addresses that two would listen on: the second could not start. `own` are those of Telegen itself, which are opened first. */
export function checkListeners(
  used: Iterable<Component>,
  own: readonly Listener[],
  report: (fault: Fault) => void,
): void {
  const taken: { readonly address: Address; readonly listener: Listener }[] = []
  for (const listener of [...own, ...listeners(used)]) {
    const address = parse(listener.address)
    const rival = taken.find((other) => collide(other.address, address))
    if (rival === undefined) taken.push({ address, listener })
    else report(inUse(listener, address, rival.listener))
  }
}

function* listeners(used: Iterable<Component>): Iterable<Listener> {
  for (const { sound, definition, config, path, place, body } of used) {
    if (!sound || definition === undefined) continue
    for (const address of listens(definition, config))
      yield { address, path, body, place: writtenAt(body, endpointOf(address)) ?? place }
  }
}

const listens = (definition: Definition, config: unknown): readonly string[] =>
  (definition.kind === 'receiver' || definition.kind === 'extension' ? definition.listens?.(config) : undefined) ?? []

const endpointOf = (address: string): string => address.replace(/^\w+:(\/\/)?/, '')

/** Where an address stands, if somebody wrote it. */
function writtenAt(node: Node, text: string): Place | undefined {
  if (node.kind === 'scalar') return node.text === text || plain(node) === text ? node.place : undefined
  const inside =
    node.kind === 'map' ? [...node.entries.values()].map((item) => item.node) : node.kind === 'list' ? node.items : []
  for (const each of inside) {
    const place = writtenAt(each, text)
    if (place !== undefined) return place
  }
  return undefined
}

interface Address {
  readonly protocol: string
  /** `any` for all addresses of this machine, `any4` for those of version 4. */
  readonly host: string
  readonly port: string
  readonly text: string
}

function parse(address: string): Address {
  const [, protocol = ''] = /^(\w+):/.exec(address) ?? []
  const text = endpointOf(address)
  // A name that begins with @ is not a file's.
  if (protocol === 'unix') return { protocol, host: text.startsWith('@') ? text : resolve(text), port: '', text }
  const colon = text.lastIndexOf(':')
  return { protocol, host: hostOf(text.slice(0, colon)), port: String(Number(text.slice(colon + 1))), text }
}

function hostOf(written: string): string {
  const host = written.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (host === '' || host === '*') return 'any'
  if (host === 'localhost') return '127.0.0.1'
  const known = isIP(host) === 6 ? canonical6(host) : host
  return ANY.get(known) ?? known
}

/** `::` takes version 4 as well. */
const ANY = new Map([
  ['0.0.0.0', 'any4'],
  ['::', 'any'],
])

/** One form for all that `[0:0::1]` may be written as; `::ffff:127.0.0.1` is an address of version 4. */
function canonical6(host: string): string {
  const [address = '', zone] = host.split('%')
  const form = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(form)
  if (mapped === null) return zone === undefined ? form : `${form}%${zone}`
  const bytes = mapped.slice(1).flatMap((part) => [parseInt(part, 16) >> 8, parseInt(part, 16) & 255])
  return bytes.join('.')
}

function collide(left: Address, right: Address): boolean {
  if (left.protocol !== right.protocol || left.port !== right.port) return false
  // Port 0 means any free one.
  if (left.protocol !== 'unix' && left.port === '0') return false
  return left.host === right.host || covers(left.host, right.host) || covers(right.host, left.host)
}

const covers = (host: string, other: string): boolean => host === 'any' || (host === 'any4' && isIP(other) !== 6)

function inUse({ path, place, body }: Listener, { protocol, text }: Address, rival: Listener): Fault {
  const mask = masking(body)
  const message = mask(`listen ${protocol} ${text}: bind: address already in use by ${rival.path}`)
  const where = rival.place.line > 0 ? ` at ${rival.place.source}:${rival.place.line}` : ''
  return error({
    code: 'address_in_use',
    message,
    path,
    place,
    hint: `${rival.path}${where} listens there: give one another port`,
  })
}
