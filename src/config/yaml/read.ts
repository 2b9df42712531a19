import { LineCounter, parseAllDocuments } from 'yaml'
import type { YAMLError } from 'yaml'
import { explained } from './explained.ts'
import { error } from '../fault.ts'
import type { Fault } from '../fault.ts'
import type { Node } from '../node.ts'
import { scalar } from '../node.ts'
import type { Place } from '../place.ts'
import { wholeSource } from '../place.ts'
import { TreeReader } from './tree.ts'

/** Longest text that is read as YAML. */
export const MAX_TEXT_LENGTH = 8 * 2 ** 20

export interface Read {
  /** Undefined where there is no reading it at all. */
  readonly node: Node | undefined
  readonly faults: readonly Fault[]
  /** Documents in the text; like the Collector, only the first is read. */
  readonly documents: number
}

/** Reads YAML into nodes. `at` gives all of them one place, for text that did not come from a file. */
export function readYaml(text: string, source: string, at?: Place): Read {
  const lines = new LineCounter()
  const place = (offset: number): Place => {
    if (at) return at
    const { line, col } = lines.linePos(offset)
    return { source, line, column: col }
  }
  if (text.length > MAX_TEXT_LENGTH)
    return unreadable(`longer than ${MAX_TEXT_LENGTH} characters`, at ?? wholeSource(source))
  try {
    const documents = parseAllDocuments(text.replace(/^\uFEFF/, ''), { ...OPTIONS, lineCounter: lines })
    const first = documents[0]
    if (first === undefined) return { node: scalar(null, at ?? wholeSource(source)), faults: [], documents: 0 }
    const broken = first.errors.slice(0, 1).map((problem) => {
      const { offset, hint } = explained(problem, first, text)
      return invalid(problem, place(offset), hint)
    })
    if (broken.length > 0) return { node: undefined, faults: broken, documents: documents.length }
    const reader = new TreeReader(place)
    const node = reader.read(first.contents)
    return { node: reader.faults.length > 0 ? undefined : node, faults: reader.faults, documents: documents.length }
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown
    return unreadable(TOO_DEEP, at ?? wholeSource(source))
  }
}

/** No schema: scalars stay text, and `scalar.ts` says what they mean. Duplicate keys are found while reading the tree. */
const OPTIONS = {
  schema: 'failsafe',
  uniqueKeys: false,
  merge: false,
  prettyErrors: false,
  logLevel: 'error',
  version: '1.2',
} as const

/** The library finds more after its first error, but that is the first one's echo. */
const invalid = (problem: YAMLError, place: Place, hint: string | undefined): Fault =>
  error({
    code: 'invalid_yaml',
    path: '',
    place,
    message: notYaml(sentence(problem), place.line),
    hint,
  })

function sentence({ code, message }: YAMLError): string {
  if (code === 'TAB_AS_INDENT') return 'found character that cannot start any token'
  return message === STACK ? TOO_DEEP : message
}

/** The library recurses for each level of nesting and has no bound; where it runs out of stack, this is what it reports. */
const STACK = 'Maximum call stack size exceeded'
const TOO_DEEP = 'nested too deeply'

const notYaml = (problem: string, line: number): string =>
  'retrieved value (type=string) cannot be used as a Conf: assuming string type since contents are not valid YAML: ' +
  `yaml: ${line > 0 ? `line ${line}: ` : ''}${problem}`

const unreadable = (problem: string, place: Place): Read => ({
  node: undefined,
  faults: [error({ code: 'invalid_yaml', path: '', place, message: notYaml(problem, place.line) })],
  documents: 1,
})
