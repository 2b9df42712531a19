import type { OptionFault } from '../../component/definition.ts'
import { error } from '../fault.ts'
import type { Fault } from '../fault.ts'
import { masking } from '../masking.ts'
import { placeOf } from '../node.ts'
import type { Node } from '../node.ts'
import type { Place } from '../place.ts'

/** A component's own fault with its place; `key` is that of the component. Values that came from `${…}` are taken out of its sentences. */
export function located({ path: steps, message, hint }: OptionFault, path: string, body: Node, key: Place): Fault {
  const mask = masking(body)
  const place = steps.length === 0 ? key : placeOf(body, steps)
  return error({
    code: 'invalid_value',
    path: [path, ...steps].join('::'),
    place,
    message: mask(message, steps),
    hint: hint === undefined ? undefined : mask(hint, steps),
  })
}
