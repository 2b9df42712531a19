import type { OptionFault } from '../../component/definition.ts'
import { Secret } from '../../component/options.ts'
import { error } from '../fault.ts'
import type { Fault } from '../fault.ts'
import { masking } from '../masking.ts'
import { placeOf } from '../node.ts'
import type { Node } from '../node.ts'
import type { Place } from '../place.ts'

/**
 * A component's own fault with its place; `key` is that of the component, `config` its decoded options. Values that came from `${…}` are taken
 * out of its sentences, and a line is printed no further than to a secret that is wrong.
 */
export function located(
  { path: steps, message, hint }: OptionFault,
  path: string,
  body: Node,
  key: Place,
  config: unknown,
): Fault {
  const mask = masking(body)
  const place = steps.length === 0 ? key : placeOf(body, steps)
  return error({
    code: 'invalid_value',
    path: [path, ...steps].join('::'),
    place,
    message: mask(message, steps),
    hint: hint === undefined ? undefined : mask(hint, steps),
    secret: isSecret(config, steps),
  })
}

function isSecret(config: unknown, steps: readonly (string | number)[]): boolean {
  let value = config
  for (const step of steps) {
    if (typeof value !== 'object' || value === null) return false
    value = value instanceof Map ? value.get(step) : (value as Readonly<Record<string | number, unknown>>)[step]
  }
  return value instanceof Secret
}
