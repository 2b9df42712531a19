import { error, FaultError } from './fault.ts'
import { nested } from './merge.ts'
import type { Mapping } from './node.ts'
import type { Place } from './place.ts'
import { wholeSource } from './place.ts'
import { readYaml } from './yaml/read.ts'

/** `--set receivers.otlp.protocols.grpc.endpoint=0.0.0.0:4317`: the value is YAML, laid over all files. */
export function setting(argument: string): { readonly source: string; readonly tree: Mapping } {
  const equals = argument.indexOf('=')
  if (equals === -1) {
    const message = `invalid value ${JSON.stringify(argument)} for flag -set: missing equal sign`
    const hint = `write --set ${argument.trim()}=value`
    throw new FaultError(error({ code: 'invalid_setting', message, path: '', place: wholeSource('--set'), hint }))
  }
  const key = argument.slice(0, equals).trim()
  const source = `--set ${key}`
  const value = argument.slice(equals + 1).trim()
  const at = place(source, argument.indexOf(value, equals + 1) + 1)
  const { node, faults } = readYaml(value, source, at)
  if (node === undefined) throw new FaultError(faults[0] as NonNullable<(typeof faults)[0]>)
  return { source, tree: nested(key.replaceAll('.', '::').split('::'), { key: place(source, 1), node }) }
}

const place = (source: string, column: number): Place => ({ source, line: 1, column })
