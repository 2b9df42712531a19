import { type Bits, parseRandomness, parseThreshold } from './bits.ts'

// Limits of https://www.w3.org/TR/trace-context/#tracestate-header, and of OpenTelemetry's own member in it, as the Collector
// has them: of 32 members that W3C allows it reads one less.
const LONGEST = 1024
const MEMBERS = 31
const LONGEST_KEY = 256
const LONGEST_TENANT = 241
const LONGEST_SYSTEM = 14
const LONGEST_OWN = 256

const KEY = /^(?:[a-z][a-z0-9_\-*/]*|[a-z0-9][a-z0-9_\-*/]*@[a-z][a-z0-9_\-*/]*)$/
const VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/
const OWN = /^[a-z][a-z0-9]*:[A-Za-z0-9._-]*(?:;[a-z][a-z0-9]*:[A-Za-z0-9._-]*)*$/

/**
 * A W3C `tracestate`: what it says of sampling (`ot=th:…;rv:…`), and the rest, which is handed on. Where something in it cannot be
 * read, `isSound` is false and it holds what could.
 */
export class TraceState {
  isSound = true
  /** As it was written, or as `thresholdText` writes it; empty where there is none. */
  thresholdText = ''
  threshold: Bits | undefined
  randomnessText = ''
  randomness: Bits | undefined
  /** Other members of OpenTelemetry's own, `key:value`. */
  readonly #own: string[] = []
  /** Members of others, `key=value`. */
  readonly #others: string[] = []

  constructor(text: string) {
    if (text === '') return
    this.isSound = text.length <= LONGEST && this.#read(text)
  }

  toString(): string {
    const own = [...this.#own]
    if (this.thresholdText !== '') own.unshift(`th:${this.thresholdText}`)
    if (this.randomnessText !== '') own.unshift(`rv:${this.randomnessText}`)
    const members = own.length > 0 ? [`ot=${own.join(';')}`, ...this.#others] : this.#others
    return members.join(',')
  }

  #read(text: string): boolean {
    const members = text.split(',').map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ''))
    // A comma at the end begins no member.
    if (members.at(-1) === '' && text.endsWith(',')) members.pop()
    if (!members.every(isMember)) return false
    let isSound = true
    for (const [index, member] of members.entries()) {
      if (index >= MEMBERS) return false
      if (member === '') continue
      const at = member.indexOf('=')
      const key = member.slice(0, at)
      if (isTooLong(key)) isSound = false
      else if (key === 'ot') isSound = this.#readOwn(member.slice(at + 1)) && isSound
      else this.#others.push(member)
    }
    return isSound
  }

  /** A member that stands twice: the last one counts. */
  #readOwn(text: string): boolean {
    this.#forget()
    if (text.length > LONGEST_OWN || !OWN.test(text)) return false
    let isSound = true
    for (const member of text.split(';')) {
      const [key, value] = member.split(':') as [string, string]
      if (key === 'rv') isSound = this.#readRandomness(value) && isSound
      else if (key === 'th') isSound = this.#readThreshold(value) && isSound
      else this.#own.push(member)
    }
    return isSound
  }

  #forget(): void {
    this.#own.length = 0
    this.#readRandomness('')
    this.#readThreshold('')
  }

  #readRandomness(text: string): boolean {
    this.randomness = parseRandomness(text)
    this.randomnessText = this.randomness === undefined ? '' : text
    return this.randomness !== undefined
  }

  #readThreshold(text: string): boolean {
    this.threshold = parseThreshold(text)
    this.thresholdText = this.threshold === undefined ? '' : text
    return this.threshold !== undefined
  }
}

function isMember(member: string): boolean {
  if (member === '') return true
  const at = member.indexOf('=')
  return at > 0 && KEY.test(member.slice(0, at)) && VALUE.test(member.slice(at + 1))
}

function isTooLong(key: string): boolean {
  const [tenant, system] = key.split('@') as [string, string | undefined]
  if (key.length > LONGEST_KEY) return true
  return system !== undefined && (tenant.length > LONGEST_TENANT || system.length > LONGEST_SYSTEM)
}
