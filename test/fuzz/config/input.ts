import { isCollection, isMap, isNode, isPair, isScalar, isSeq, parseDocument, visit } from 'yaml'
import type { Document, Node, Pair } from 'yaml'
import { mutate, smallerBytes } from '../mutate.ts'
import type { Random } from '../random.ts'
import { SEEDS, SOUND } from './corpus.ts'
import type { Seed } from './corpus.ts'

export type ConfigInput = Seed

const SIGNS = Array.from('{}[]:,&*!|>%@`"\'\t\n #-?$\0\r\u2028\ufeff\\/~=<.')
const PIECES = [
  '${env:A}',
  '${env:SELF}',
  '${env:NONE}',
  '${env:NONE:-x}',
  '${',
  '$$',
  '${file:/etc/hostname}',
  '${file:.}',
  '${file:/dev/zero}',
  '${yaml:a: 1}',
  '${rawenv:A}',
  '${env:DEEP}',
  '&a',
  '*a',
  '<<: *a',
  '<<: [*a, *a]',
  '? ',
  ': ',
  '- - - ',
  '--- ',
  '... ',
  '!!binary ',
  '!!set ',
  '!<x> ',
  '|9',
  '>-',
  'null',
  '~',
  '.nan',
  '.inf',
  '-0',
  '0o17',
  '1e999',
  '99999999999999999999',
  '12h',
  '-1s',
  '1MiB',
  '1000000000TiB',
  'true',
  'yes',
  '__proto__',
  'constructor',
  'toString',
  'a::b',
  '/x',
  'x/',
  'otlp/',
  '${env:A}/b',
  '{a: ',
  '[[[[',
  '"',
  "'",
  '%YAML 1.1',
  '\u0000',
  '😀',
  '\ud800',
]
const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  2 ** 53,
  Infinity,
  NaN,
  '',
  'x',
  '${env:A}',
  '${env:M}',
  '${env:L}',
  [],
  {},
  [[]],
  { a: { b: 1 } },
  '5s',
  '-1ns',
  '1MiB',
  99_999n,
  'x'.repeat(10_000),
  { __proto__x: 1 },
  '(a+)+$',
  '[',
  '\u0000',
]
const ENVIRONMENT = {
  A: '5',
  SELF: '${env:SELF}',
  DEEP: `${'['.repeat(300)}${']'.repeat(300)}`,
  M: '{a: ${env:A}}',
  L: '[a, ${env:B:-c}]',
}
const MOST_CHANGES = 4
const LARGEST = 64 * 1024

export function makeConfig(random: Random): ConfigInput {
  const seed = random.pick(random.once(3) ? SEEDS : SOUND)
  const changed = random.pick([varied, varied, varied, torn, torn, reshaped, reshaped, bytewise])(seed.text, random)
  return {
    ...seed,
    environment: { ...ENVIRONMENT, ...seed.environment },
    text: changed.slice(0, LARGEST),
    sets: [...seed.sets, ...Array.from({ length: random.once(4) ? 1 + random.below(3) : 0 }, () => set(random))],
  }
}

const changes = (random: Random): number => (random.once(2) ? 1 : 1 + random.below(MOST_CHANGES))

/** Signs and words put in, taken out and swapped, line by line or anywhere. */
function torn(text: string, random: Random): string {
  let changed = text
  for (let times = changes(random); times > 0; times--) {
    const at = random.below(changed.length + 1)
    const length = random.below(40)
    const other = random.pick(SEEDS).text
    const lines = changed.split('\n')
    const line = random.below(lines.length)
    switch (random.below(8)) {
      case 0:
        changed = changed.slice(0, at) + random.pick(SIGNS) + changed.slice(at)
        break
      case 1:
        changed = changed.slice(0, at) + random.pick(SIGNS) + changed.slice(at + 1)
        break
      case 2:
        changed = changed.slice(0, at) + random.pick(PIECES) + changed.slice(at + (random.once(2) ? length : 0))
        break
      case 3:
        changed = changed.slice(0, at) + changed.slice(at + length)
        break
      case 4:
        lines.splice(random.below(lines.length), 0, lines[line] as string)
        changed = lines.join('\n')
        break
      case 5:
        lines[line] = ' '.repeat(random.below(9)) + (lines[line] as string).trimStart()
        changed = lines.join('\n')
        break
      case 6:
        lines.splice(line, 0, ...other.split('\n').slice(0, 1 + random.below(20)))
        changed = lines.join('\n')
        break
      default:
        changed = changed.slice(0, at)
    }
  }
  return changed
}

/** Values replaced by others, keys renamed, parts moved: what is still YAML. */
function reshaped(text: string, random: Random): string {
  const document = parseDocument(text, { strict: false, uniqueKeys: false })
  if (document.errors.length > 0) return torn(text, random)
  for (let times = changes(random); times > 0; times--) change(document, random)
  return writtenOr(document, () => torn(text, random))
}

/** An alias whose anchor went with what was replaced cannot be written. */
function writtenOr(document: Document, otherwise: () => string): string {
  try {
    return document.toString()
  } catch {
    return otherwise()
  }
}

/** Values replaced by others of their kind, parts left out: what may well be sound. */
function varied(text: string, random: Random): string {
  const document = parseDocument(text)
  if (document.errors.length > 0) return torn(text, random)
  const pairs: Pair[] = []
  visit(document, { Pair: (_, pair) => void pairs.push(pair) })
  if (pairs.length === 0) return text
  for (let times = changes(random); times > 0; times--) {
    const pair = random.pick(pairs)
    const { value } = pair
    if (isScalar(value)) {
      if (typeof value.value === 'number') value.value = random.pick([0, 1, value.value * 2, value.value + 1, 65_535])
      else if (typeof value.value === 'boolean') value.value = !value.value
      else
        pair.value = document.createNode(
          random.pick(['5s', '1MiB', 'localhost:1', null, 'a', 'none', 'gzip', '${env:A}']),
        )
    } else if (isSeq(value) && value.items.length > 0) {
      const at = random.below(value.items.length)
      if (random.once(2)) value.items.splice(at, 1)
      else value.items.splice(at, 0, copy(value.items[at]))
    } else if (isMap(value)) value.items.splice(random.below(value.items.length + 1), 1)
  }
  return writtenOr(document, () => torn(text, random))
}

function change(document: Document, random: Random): void {
  const pairs: Pair[] = []
  const nodes: Node[] = []
  visit(document, (_, node) => {
    if (isPair(node)) pairs.push(node)
    else if (isCollection(node) || isScalar(node)) nodes.push(node)
  })
  if (pairs.length === 0) return
  const pair = random.pick(pairs)
  const value = random.pick(VALUES)
  switch (random.below(6)) {
    case 0:
      pair.value = document.createNode(value)
      break
    case 1:
      pair.key = document.createNode(random.once(2) ? random.pick(PIECES) : value)
      break
    case 2:
      // A copy: a part that holds itself would have no end.
      pair.value = random.pick(nodes).clone()
      break
    case 3:
      pair.key = copy(random.pick(pairs).key)
      break
    case 4:
      pair.value = copy(random.pick(pairs).value)
      break
    default:
      if (isMap(document.contents)) document.contents.items.splice(random.below(document.contents.items.length), 1)
  }
}

const copy = (node: unknown): unknown => (isNode(node) ? node.clone() : node)

const bytewise = (text: string, random: Random): string =>
  mutate(Buffer.from(text), random, [Buffer.from(random.pick(SEEDS).text)]).toString(random.once(4) ? 'latin1' : 'utf8')

const KEYS =
  'receivers.otlp.protocols.grpc.endpoint service.pipelines.traces.receivers exporters.debug.verbosity service.limits.traces a a.b service processors receivers. .a a..b __proto__.x'
const SETS = KEYS.split(' ')

function set(random: Random): string {
  const key = random.pick(SETS)
  const value = random.pick([...PIECES, '[a, b]', '{a: b}', '', '=', 'x: y', '[otlp]', '&a [*a]'])
  return random.once(8) ? random.pick(['=', '', 'a', '.=', '=x', `${key}=${key}=${value}`]) : `${key}=${value}`
}

export function* smallerConfigs(input: ConfigInput): Iterable<ConfigInput> {
  for (let index = 0; index < input.sets.length; index++) yield { ...input, sets: input.sets.toSpliced(index, 1) }
  const lines = input.text.split('\n')
  for (let length = lines.length >> 1; length >= 1; length >>= 1)
    for (let at = 0; at < lines.length; at += length) yield { ...input, text: lines.toSpliced(at, length).join('\n') }
  if (input.text.length < 2000)
    for (const bytes of smallerBytes(Buffer.from(input.text))) yield { ...input, text: bytes.toString('utf8') }
}
