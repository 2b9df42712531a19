/** A pattern in the syntax of V8, which means the same as the Go pattern that it was made of. */
export interface Translation {
  readonly source: string
  readonly flags: string
  /** `source` with its groups unnamed, for the analysis, which knows no names. */
  readonly unnamed: string
  /** Whether every alternative begins at the start of the text. */
  readonly anchored: boolean
  /** Whether anything may repeat without bound. */
  readonly repeats: boolean
  /** Whether there is a group or a repetition, so that a text may match in several ways. */
  readonly branches: boolean
}

const INLINE_FLAGS = /^\(\?([is]+)\)/
const GROUP = /^\((?:\?:|\?P?<([A-Za-z_]\w*)>)?/
const REPETITION = /^(?:[*+?]|\{\d+(?:,\d*)?\})\??/
const CLASS = /^\[(\^?)((?:[^\]\\[]|\\.)+)\]/su
/** Where only a match counts, what may match nothing at the ends of a search adds nothing but work. */
const IDLE_START = /^\.\*\??(?![*+?{])/
const IDLE_END = /(?<!\\)(?:\\\\)*\.\*\??$/

const REPEATED_GROUP = /\)[*+?{]/

const CLASSES: Readonly<Record<string, string>> = { d: '0-9', w: '0-9A-Za-z_', s: '\\t\\n\\f\\r ' }
const CONTROLS = 'tnrfv'

/**
 * Puts the part of Go's syntax that most patterns keep to into V8's; undefined where a pattern goes beyond it. The text
 * must be a valid Go pattern. V8 reads some of it otherwise: `.` and `\s` know other line ends and spaces, and a lone `]`
 * is an error. `testing`: only whether there is a match counts.
 */
export function translate(pattern: string, testing: boolean): Translation | undefined {
  const inline = INLINE_FLAGS.exec(pattern)
  const given = inline?.[1] ?? ''
  const whole = pattern.slice(inline?.[0].length ?? 0)
  // A repeated group that may match nothing takes other text in V8 than in Go, though both match the same texts.
  if (!testing && REPEATED_GROUP.test(whole)) return undefined
  const reader = new Reader(
    testing && !whole.includes('|') ? withoutIdleEnds(whole) : whole,
    given.includes('s'),
    given.includes('i'),
  )
  if (!reader.readAll()) return undefined
  return {
    source: reader.named,
    unnamed: reader.unnamed,
    flags: given.includes('i') ? 'iu' : 'u',
    anchored: reader.anchored,
    repeats: reader.repeats,
    branches: reader.branches,
  }
}

function withoutIdleEnds(pattern: string): string {
  const start = pattern.replace(IDLE_START, '')
  return IDLE_END.test(start) ? start.replace(/\.\*\??$/, '') : start
}

class Reader {
  named = ''
  unnamed = ''
  anchored = true
  repeats = false
  branches = false
  #depth = 0
  #atStart = true
  readonly #text: string
  readonly #dot: string
  readonly #foldsCase: boolean

  constructor(text: string, dotAll: boolean, foldsCase: boolean) {
    this.#text = text
    this.#dot = dotAll ? '[^]' : '[^\\n]'
    this.#foldsCase = foldsCase
  }

  /** False where something is met that V8 could read otherwise. */
  readAll(): boolean {
    for (let at = 0; at < this.#text.length;) {
      const length = this.#readOne(this.#text.slice(at))
      if (length === 0) return false
      at += length
    }
    if (this.#atStart) this.anchored = false
    return true
  }

  /** Characters taken; 0 where it does not know them. */
  #readOne(rest: string): number {
    const first = rest.codePointAt(0) as number
    const character = String.fromCodePoint(first)
    switch (character) {
      case '(':
        return this.#group(rest)
      case '[':
        return this.#characterClass(rest)
      case '\\':
        return this.#escape(rest)
      case '*':
      case '+':
      case '?':
      case '{':
        return this.#repetition(rest)
      case ')':
        this.#depth--
        return this.#emit(')', 1)
      case '|':
        return this.#alternative()
      case '^':
        return this.#start(1)
      case '$':
        return this.#emit('$', 1)
      case '.':
        return this.#emit(this.#dot, 1)
      default:
        return this.#emit(literal(character), character.length)
    }
  }

  #emit(source: string, length: number, unnamed: string = source): number {
    if (this.#depth === 0 && this.#atStart) {
      this.anchored = false
      this.#atStart = false
    }
    this.named += source
    this.unnamed += unnamed
    return length
  }

  #start(length: number): number {
    if (this.#depth === 0) this.#atStart = false
    return this.#emit('^', length)
  }

  #alternative(): number {
    if (this.#depth === 0 && this.#atStart) this.anchored = false
    this.#emit('|', 1)
    if (this.#depth === 0) this.#atStart = true
    return 1
  }

  #group(rest: string): number {
    const [opening, name] = GROUP.exec(rest) as RegExpExecArray
    if (opening === '(' && rest[1] === '?') return 0
    const unnamed = opening === '(?:' ? '(?:' : '('
    this.#emit(name === undefined ? unnamed : `(?<${name}>`, 0, unnamed)
    this.#depth++
    this.branches = true
    return opening.length
  }

  #repetition(rest: string): number {
    const written = REPETITION.exec(rest)?.[0]
    if (written === undefined) return 0
    if (/^[*+]|,\}/.test(written)) this.repeats = true
    this.branches = true
    return this.#emit(written, written.length)
  }

  #escape(rest: string): number {
    const kind = rest[1] as string
    if (kind === 'A') return this.#start(2)
    if (kind === 'z') return this.#emit('$', 2)
    if (kind === 'b' || kind === 'B') return this.#foldsCase ? 0 : this.#emit(`\\${kind}`, 2)
    const members = CLASSES[kind.toLowerCase()]
    if (members !== undefined) return this.#emit(kind in CLASSES ? `[${members}]` : `[^${members}]`, 2)
    const one = escaped(rest)
    return one === undefined ? 0 : this.#emit(one.source, one.length)
  }

  #characterClass(rest: string): number {
    const [written, negated, members] = CLASS.exec(rest) ?? []
    if (written === undefined || members === undefined) return 0
    let source = ''
    for (let at = 0; at < members.length;) {
      const inner = members.slice(at)
      const character = String.fromCodePoint(inner.codePointAt(0) as number)
      if (character !== '\\') {
        source += character === '-' ? '-' : literal(character)
        at += character.length
        continue
      }
      const known = CLASSES[inner[1] as string]
      const one = known === undefined ? escaped(inner) : { source: known, length: 2 }
      if (one === undefined) return 0
      source += one.source
      at += one.length
    }
    return this.#emit(`[${negated}${source}]`, written.length)
  }
}

/** A character that stands for itself, so written that it does in V8, too. */
function literal(character: string): string {
  return /^[\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]$/.test(character) ? hex(character) : character
}

/** An escape that stands for one character. */
function escaped(rest: string): { source: string; length: number } | undefined {
  const kind = rest[1] as string
  if (CONTROLS.includes(kind)) return { source: `\\${kind}`, length: 2 }
  const code = /^\\x[\dA-Fa-f]{2}/.exec(rest)?.[0]
  if (code !== undefined) return { source: code, length: code.length }
  return /^[\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]$/.test(kind) ? { source: hex(kind), length: 2 } : undefined
}

const hex = (character: string): string => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
