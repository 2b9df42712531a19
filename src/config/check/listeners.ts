import type { Definition } from '../../component/definition.ts'
import { error } from '../fault.ts'
import type { Fault } from '../fault.ts'
import type { Component } from './components.ts'

/** Addresses that two components would listen on: the second could not start. */
export function checkListeners(used: Iterable<Component>, report: (fault: Fault) => void): void {
  const taken: { readonly address: Address; readonly component: Component }[] = []
  for (const component of used) {
    if (!component.sound || component.definition === undefined) continue
    for (const text of listens(component.definition, component.config)) {
      const address = parse(text)
      const rival = taken.find((other) => collide(other.address, address))
      if (rival === undefined) taken.push({ address, component })
      else report(inUse(component, address, rival.component))
    }
  }
}

const listens = (definition: Definition, config: unknown): readonly string[] =>
  (definition.kind === 'receiver' || definition.kind === 'extension' ? definition.listens?.(config) : undefined) ?? []

interface Address {
  readonly protocol: string
  /** Empty for any. */
  readonly host: string
  readonly port: string
  readonly text: string
}

function parse(text: string): Address {
  const [, protocol = '', rest = ''] = /^(\w+):(?:\/\/)?(.*)$/s.exec(text) ?? []
  if (protocol === 'unix') return { protocol, host: rest, port: '', text: rest }
  const colon = rest.lastIndexOf(':')
  const host = rest.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  return {
    protocol,
    host: ANY.has(host) ? '' : host === 'localhost' ? '127.0.0.1' : host,
    port: rest.slice(colon + 1),
    text: rest,
  }
}

const ANY = new Set(['', '0.0.0.0', '::', '*'])

function collide(left: Address, right: Address): boolean {
  if (left.protocol !== right.protocol || left.port !== right.port) return false
  // Port 0 means any free one.
  if (left.protocol !== 'unix' && left.port === '0') return false
  return left.host === right.host || left.host === '' || right.host === ''
}

function inUse({ path, place }: Component, { protocol, text }: Address, rival: Component): Fault {
  const message = `listen ${protocol} ${text}: bind: address already in use by ${rival.path}`
  return error({ code: 'address_in_use', message, path, place })
}
