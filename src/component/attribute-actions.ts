import type { Edit, Path, Source, Value } from '../data/steps/step.ts'
import type { OptionFault } from './definition.ts'
import { Options, Type } from './options.ts'
import type { Static } from './options.ts'
import { groupNames, pattern, patternFault } from './pattern.ts'
import { attributeValue, unfitFor } from './attribute-value.ts'

/**
 * What may be done to attributes, as the Collector's processors `attributes` and `resource` both take it
 * (opentelemetry-collector-contrib, `internal/coreinternal/attraction`).
 */
export const attributeAction = Options({
  key: Type.Optional(Type.String({ description: 'The attribute to act on.' })),
  action: Type.String({ description: 'insert, update, upsert, delete, hash, extract or convert.' }),
  value: Type.Optional(Type.Unknown({ description: 'What the attribute becomes.' })),
  from_attribute: Type.Optional(Type.String({ description: 'The attribute whose value is taken.' })),
  from_context: Type.Optional(
    Type.String({
      description:
        'What is taken of the request that brought the data: metadata.<header>, auth.<attribute> or client.address.',
    }),
  ),
  default_value: Type.Optional(Type.Unknown({ description: 'What the attribute becomes where its source is absent.' })),
  pattern: Type.Optional(
    Type.String({ description: 'Keys to delete or hash, or what to extract (named groups), as a regular expression.' }),
  ),
  converted_type: Type.Optional(Type.String({ description: 'int, double or string.' })),
})
export type AttributeAction = Static<typeof attributeAction>

const SETTING = ['insert', 'update', 'upsert']
const BY_KEY_OR_PATTERN = ['delete', 'hash']
const SOURCES = ['value', 'from_attribute', 'default_value'] as const
const CONVERTED_TYPES = ['int', 'double', 'string']

/** What the Collector does since it has no other choice of algorithm any more. */
const HASH_ALGORITHM = 'sha256'

/** The edits of a list of actions, in order. The list has no faults. */
export function attributeEdits(actions: readonly AttributeAction[]): readonly Edit[] {
  return actions.flatMap(edits)
}

/** What is wrong with a list of actions, in the Collector's words; `path` leads to the list. */
export function* attributeActionFaults(
  actions: readonly AttributeAction[],
  path: OptionFault['path'],
): Iterable<OptionFault> {
  for (const [index, action] of actions.entries()) {
    for (const { at, message, hint } of faults(action, index))
      yield { path: [...path, index, ...(at === undefined ? [] : [at])], message, ...(hint !== undefined && { hint }) }
  }
}

function edits(action: AttributeAction): Edit[] {
  const kind = action.action.toLowerCase() as Edit['kind'] | 'extract'
  const path: Path = { attribute: action.key ?? '' }
  const expression = isNamed(action.pattern) ? pattern(action.pattern) : undefined
  const onKey = isNamed(action.key)
  switch (kind) {
    case 'insert':
    case 'update':
    case 'upsert':
      return [{ kind, path, source: source(action) }]
    case 'delete':
      return [
        ...when<Edit>(onKey, { kind, path }),
        ...(expression ? [{ kind: 'delete_matching', pattern: expression } as const] : []),
      ]
    case 'hash':
      return [
        ...when<Edit>(onKey, { kind, path, algorithm: HASH_ALGORITHM }),
        ...(expression ? [{ kind: 'hash_matching', pattern: expression, algorithm: HASH_ALGORITHM } as const] : []),
      ]
    case 'extract':
      return expression ? [{ kind, path, pattern: expression }] : []
    case 'convert':
      return [{ kind, path, to: action.converted_type as 'int' | 'double' | 'string' }]
    default:
      throw new Error(`unsupported action ${action.action}`)
  }
}

const when = <T>(holds: boolean, one: T): T[] => (holds ? [one] : [])

function source(action: AttributeAction): Source {
  const otherwise = isGiven(action.default_value) ? attributeValue(action.default_value) : undefined
  if (isGiven(action.value)) return { value: attributeValue(action.value) }
  const from: Source | undefined = isNamed(action.from_context)
    ? { given: action.from_context }
    : isNamed(action.from_attribute)
      ? { path: { attribute: action.from_attribute } }
      : undefined
  if (from === undefined) return { value: otherwise as Value }
  return otherwise === undefined ? from : { ...from, otherwise }
}

interface Fault {
  readonly at?: keyof AttributeAction
  readonly message: string
  readonly hint?: string
}

function* faults(action: AttributeAction, index: number): Iterable<Fault> {
  const kind = action.action.toLowerCase()
  const place = `the ${index}-th actions`
  const unused = (at: keyof AttributeAction): Fault => ({
    at,
    message: `error creating AttrProc. Action "${kind}" does not use the "${at}" field. This must not be specified for ${index}-th action`,
  })

  if (![...SETTING, ...BY_KEY_OR_PATTERN, 'extract', 'convert'].includes(kind))
    return yield { at: 'action', message: `error creating AttrProc due to unsupported action "${kind}" at ${place}` }
  if (BY_KEY_OR_PATTERN.includes(kind) && !isNamed(action.key) && !isNamed(action.pattern))
    yield {
      message: `error creating AttrProc due to missing required field (at least one of "key" and "pattern" have to be used) at ${place}`,
    }
  if (!BY_KEY_OR_PATTERN.includes(kind) && !isNamed(action.key))
    yield { message: `error creating AttrProc due to missing required field "key" at ${place}` }
  if (SETTING.includes(kind)) yield* sourceFaults(action, index)
  else for (const at of SOURCES) if (isSet(action, at)) yield unused(at)
  if (kind !== 'convert' && isNamed(action.converted_type)) yield unused('converted_type')
  if ((SETTING.includes(kind) || kind === 'convert') && isNamed(action.pattern)) yield unused('pattern')
  else if (isNamed(action.pattern)) yield* patternFaults(action.pattern, kind, index)
  else if (kind === 'extract')
    yield {
      message: `error creating AttrProc due to missing required field "pattern" for action "${kind}" at the ${index}-th action`,
    }
  if (kind === 'convert') yield* conversionFaults(action, index)
}

function* sourceFaults(action: AttributeAction, index: number): Iterable<Fault> {
  const given = (['value', 'from_attribute', 'from_context'] as const).filter((at) => isSet(action, at))
  if (given.length === 0 && !isGiven(action.default_value))
    yield {
      message: `error creating AttrProc. Either field "value", "from_attribute" or "from_context" setting must be specified for ${index}-th action`,
    }
  if (given.length > 1)
    yield { message: `error creating AttrProc due to multiple value sources being set at the ${index}-th actions` }
  for (const at of ['value', 'default_value'] as const) {
    const unfit = isGiven(action[at]) ? unfitFor(action[at]) : undefined
    if (unfit !== undefined) yield { at, message: unfit }
  }
}

function* patternFaults(source: string, kind: string, index: number): Iterable<Fault> {
  const hint = patternFault(source)
  const field = 'error creating AttrProc. Field "pattern"'
  if (hint !== undefined)
    return yield {
      at: 'pattern',
      message: `${field} has invalid pattern: "${source}" to be set at the ${index}-th actions`,
      hint,
    }
  if (kind !== 'extract') return
  const names = groupNames(source)
  if (names.length === 0)
    yield { at: 'pattern', message: `${field} contains no named matcher groups at the ${index}-th actions` }
  if (names.includes(''))
    yield { at: 'pattern', message: `${field} contains at least one unnamed matcher group at the ${index}-th actions` }
}

function* conversionFaults(action: AttributeAction, index: number): Iterable<Fault> {
  const place = `for action "convert" at the ${index}-th action`
  if (!isNamed(action.converted_type))
    yield { message: `error creating AttrProc due to missing required field "converted_type" ${place}` }
  else if (!CONVERTED_TYPES.includes(action.converted_type))
    yield {
      at: 'converted_type',
      message: `error creating AttrProc due to invalid value "${action.converted_type}" in field "converted_type" ${place}`,
    }
}

/** Nothing and null say nothing; of an option that names something, neither does the empty text. */
const isGiven = (option: unknown): boolean => option !== undefined && option !== null
const isNamed = (option: string | undefined | null): option is string => isGiven(option) && option !== ''
const isSet = (action: AttributeAction, at: keyof AttributeAction): boolean =>
  isGiven(action[at]) && (at === 'value' || at === 'default_value' || action[at] !== '')
