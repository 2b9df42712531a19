import { Duration, Options, Type } from '../../plugin.ts'
import type { OptionFault, Static } from '../../plugin.ts'

/** More are never made; beyond it, what was left out could not be counted. */
const HIGHEST_RATE = 1e9
const MOST_ITEMS = 100_000
const MOST_RESOURCES = 1_000
const MOST_ATTRIBUTES = 100
const LONGEST_ATTRIBUTE = 4_096
/** What a request may weigh, roughly: it is held once for each signal, and copied for each request. */
const LARGEST_REQUEST = 32 * 2 ** 20
/** Bytes of an item without its attributes, and of an attribute without its value. */
const ITEM = 150
const ATTRIBUTE = 30

export const options = Options({
  rate: Type.Number({
    default: 1000,
    minimum: 0,
    maximum: HIGHEST_RATE,
    description: 'Items a second, of each signal; 0: as many as the pipelines take.',
  }),
  items_per_request: Type.Integer({
    default: 512,
    minimum: 1,
    maximum: MOST_ITEMS,
    description: 'Items in one request; less where the rate is less.',
  }),
  resources: Type.Integer({
    default: 1,
    minimum: 1,
    maximum: MOST_RESOURCES,
    description: 'Resources among which the items of a request are shared out.',
  }),
  attributes: Type.Integer({
    default: 5,
    minimum: 0,
    maximum: MOST_ATTRIBUTES,
    description: 'Made-up attributes of each item, beside its number.',
  }),
  attribute_size: Type.Integer({
    default: 16,
    minimum: 0,
    maximum: LONGEST_ATTRIBUTE,
    description: 'Bytes in the value of a made-up attribute.',
  }),
  total: Type.Integer({
    default: 0,
    minimum: 0,
    description: 'Items of each signal after which it ends; 0: it does not.',
  }),
  duration: Duration({ default: '0s', description: 'How long it goes on; 0: for ever.' }),
  seed: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 2 ** 32 - 1,
    description: 'What ids and values follow from: the same ones each time that it is the same.',
  }),
})
export type GeneratorConfig = Static<typeof options>

export function* faults({ items_per_request, attributes, attribute_size }: GeneratorConfig): Iterable<OptionFault> {
  const bytes = items_per_request * (ITEM + attributes * (ATTRIBUTE + attribute_size))
  if (bytes > LARGEST_REQUEST)
    yield {
      path: ['items_per_request'],
      message: `a request would have about ${Math.round(bytes / 2 ** 20)} MiB; at most ${LARGEST_REQUEST / 2 ** 20} MiB are made`,
      hint: 'fewer items, attributes, or bytes in them',
    }
}
