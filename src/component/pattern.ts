import { createRequire } from 'node:module'
import type * as Linear from 're2js'
import type * as Analysis from 'redos-detector'
import type { Pattern } from '../data/steps/step.ts'
import { translate } from './pattern-translation.ts'

/**
 * Regular expressions from configurations, in the syntax that the Collector takes: RE2, as Go has it
 * (https://github.com/google/re2/wiki/Syntax). They meet text that nobody here wrote, so none of them may take more than
 * linear time. V8's engine runs those for which an analysis proves that (0.3 us a match), a linear-time one all others
 * (about 9 us). Which one runs changes nothing but the speed.
 */
export function pattern(source: string): Pattern {
  const known = compiled.get(source)
  if (known) return known
  const made = new CompiledPattern(source)
  if (compiled.size >= COMPILED_LIMIT) compiled.clear()
  compiled.set(source, made)
  return made
}

/** What is wrong with a pattern, in Go's words; undefined where nothing is. */
export function patternFault(source: string): string | undefined {
  try {
    linear().RE2JS.compile(source)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** The names of a pattern's groups, in order; an unnamed group's is empty. */
export function groupNames(source: string): readonly string[] {
  const expression = linear().RE2JS.compile(source)
  const names = Array.from({ length: expression.groupCount() }, () => '')
  for (const [name, index] of Object.entries(expression.namedGroups())) names[index - 1] = name
  return names
}

/** Several pipelines use the same processor, and each of them compiles it. */
const COMPILED_LIMIT = 256
const compiled = new Map<string, Pattern>()

/** Paths through a pattern that one text may take at once, and steps that the analysis may take to find out. */
const MAX_SCORE = 200
const MAX_STEPS = 250
/** Never met by patterns that people write: the steps are what bounds the analysis, and they do not depend on the machine. */
const ANALYSIS_TIMEOUT_MS = 1000

type Engine = Pick<Pattern, 'test' | 'exec'>

class CompiledPattern implements Pattern {
  readonly #source: string
  readonly #names: readonly string[]
  #tester: Engine | undefined
  #extractor: Engine | undefined

  /** Throws where `patternFault` finds a fault. */
  constructor(source: string) {
    this.#source = source
    this.#names = groupNames(source).filter((name) => name !== '')
  }

  test(text: string): boolean {
    this.#tester ??= engineFor(this.#source, true)
    return this.#tester.test(text)
  }

  /** Groups that took no part in the match are empty, as in Go. */
  exec(text: string): { groups: Record<string, string> } | null {
    this.#extractor ??= engineFor(this.#source, false)
    const match = this.#extractor.exec(text)
    if (match === null) return null
    return { groups: Object.fromEntries(this.#names.map((name) => [name, match.groups?.[name] ?? ''])) }
  }
}

/** Whether tests of a pattern are left to V8: for whoever wants to know why one is slow. */
export const runsInV8 = (source: string): boolean => safeExpression(source, true) !== undefined

/** `testing`: only whether there is a match counts, not what matched. */
const engineFor = (source: string, testing: boolean): Engine => safeExpression(source, testing) ?? linearEngine(source)

/** The pattern for V8; undefined where it could take more than linear time, or V8 could read it otherwise than Go. */
function safeExpression(source: string, testing: boolean): RegExp | undefined {
  const translated = translate(source, testing)
  if (translated === undefined) return undefined
  // An unanchored search starts anew at each place of a text: whatever repeats without bound makes that quadratic.
  if (translated.repeats && !translated.anchored) return undefined
  const attempt = translated.anchored ? translated.unnamed : `^(?:${translated.unnamed})`
  if (translated.branches && !isSafe(attempt, translated.flags)) return undefined
  try {
    return new RegExp(translated.source, translated.flags)
  } catch {
    // Go reads a few things as literals that are a syntax error here; the other engine reads them as Go does.
    return undefined
  }
}

/** The analysis does not know how case is folded in Unicode, so what ignores case is left to the other engine. */
function isSafe(source: string, flags: string): boolean {
  if (flags.includes('i')) return false
  const options = {
    unicode: true,
    maxScore: MAX_SCORE,
    maxSteps: MAX_STEPS,
    timeout: ANALYSIS_TIMEOUT_MS,
    downgradePattern: false,
  }
  try {
    return analysis().isSafePattern(source, options).safe
  } catch {
    // What the analysis cannot read, it cannot prove.
    return false
  }
}

function linearEngine(source: string): Engine {
  const expression = linear().RE2JS.compile(source)
  const groups = Object.entries(expression.namedGroups())
  return {
    test: (text) => expression.test(text),
    exec(text) {
      const matcher = expression.matcher(text)
      if (!matcher.find()) return null
      return { groups: Object.fromEntries(groups.map(([name, index]) => [name, matcher.group(index) ?? ''])) }
    },
  }
}

/** Loaded by the first pattern, since most configurations have none: both together cost some 30 ms. */
const load = createRequire(import.meta.url)
const linear = () => load('re2js') as typeof Linear
const analysis = () => load('redos-detector') as typeof Analysis
