import type { Definition, OptionFault } from '../../component/definition.ts'
import type { Fault } from '../fault.ts'
import type { Component } from './components.ts'
import { located } from './option-fault.ts'

/** What components that will run find on this machine: certificates that cannot be read, keys that do not fit, missing token files. */
export function checkMachine(used: Iterable<Component>, report: (fault: Fault) => void): void {
  for (const { sound, definition, config, path, body, place } of used) {
    if (!sound || definition === undefined) continue
    for (const fault of inspected(definition, config)) report(located(fault, path, body, place, config))
  }
}

const inspected = (definition: Definition, config: unknown): Iterable<OptionFault> => definition.inspect?.(config) ?? []
