import { posix } from 'node:path'
import { pattern } from '../../../../plugin.ts'
import type { RedactionOptions } from './options.ts'
import { REDACTED, SECRET_OPTIONS } from './secret-options.ts'
import type { SecretOptions } from './secret-options.ts'

/** Takes secrets out of a program's arguments. The first is its name. */
export type Redaction = (given: readonly string[]) => readonly string[]

/**
 * Secrets are found by the name of what they are given to (`--password x`, `TOKEN=x`, `"secret": "x"`, `Cookie: x`), by where they stand
 * (`https://user:x@host`, `mysql -px`), and by their form (tokens that say what they are). What is replaced too much is a nuisance, what is
 * replaced too little is an incident: in doubt it is replaced.
 */
export function redaction({ builtin, names, patterns }: RedactionOptions): Redaction {
  const isSecret = secretName(builtin, names)
  const own = patterns.map((source) => pattern(source))
  return (given) => {
    const program = posix.basename(given[0] ?? '')
    const options = builtin ? (SECRET_OPTIONS.find(({ of }) => of.test(program)) ?? NO_OPTIONS) : NO_OPTIONS
    return given.map((text, at) => {
      const before = at > 1 ? (given[at - 1] as string) : ''
      if (at > 0 && followsSecret(before, text, isSecret, options)) return options.keeps?.(text) ?? REDACTED
      const attached = at > 0 ? options.attached?.exec(text) : undefined
      const marked = attached ? `${attached[1]}${REDACTED}` : withinText(text, isSecret, builtin)
      return own.some((each) => each.test(text)) ? REDACTED : marked
    })
  }
}

const NO_OPTIONS: SecretOptions = { of: /$^/ }

/** Words that say all by themselves, wherever they stand in a name: `PGPASSWORD`, `dbpasswd`, `client_secret`, `authToken`. */
const WITHIN =
  /passw|passphrase|secret|token|credential|apikey|accesskey|privatekey|signingkey|encryptionkey|connectionstring/
/** Those that do where they are a word of their own: `bypass` and `author` are none of these. */
const WORDS = new Set(['pass', 'pwd', 'pw', 'auth', 'authorization', 'bearer', 'cookie', 'dsn', 'jwt', 'otp', 'sas'])
const NAME_LONGEST = 128

function secretName(builtin: boolean, own: readonly string[]): (name: string) => boolean {
  const parts = own.map((each) => each.toLowerCase())
  return (name) => {
    if (name === '' || name.length > NAME_LONGEST) return false
    const lower = name.toLowerCase()
    if (parts.some((each) => lower.includes(each))) return true
    if (!builtin) return false
    if (WITHIN.test(lower.replaceAll(/[-_.]/g, ''))) return true
    const words = name
      .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
      .toLowerCase()
      .split(/[^a-z0-9]+/)
    return words.some((word) => WORDS.has(word))
  }
}

/** Whether an argument is the value of the option before it. */
function followsSecret(
  before: string,
  text: string,
  isSecret: (name: string) => boolean,
  options: SecretOptions,
): boolean {
  // `--password --verbose` asks for the password.
  if (/^--[a-z]/i.test(text)) return false
  if (options.followed?.test(before)) return true
  const option = /^(?:--?|\/)([a-z][\w.-]*)$/i.exec(before)?.[1]
  return option !== undefined && option.length > 1 && isSecret(option)
}

/** A name in a text: of an option, a variable, a header, a key of JSON or of a query. */
const NAME = /(?<![\w.-])(-{0,2})([A-Za-z_][\w.-]{0,127})/g
/** What stands between a name and its value. A blank alone gives a value to an option and to nothing else: "the password is" is a text. */
const ASSIGNS = /\\*["']?\s{0,4}(?:=|:(?!\/\/))\s{0,4}/y
const OPTION_ASSIGNS = /\\*["']?\s{0,4}(?:=|:(?!\/\/))\s{0,4}|\s{1,4}/y
/** To the end of the quotes, or of the word; of a header's value with its scheme. */
const VALUE =
  /(?:(?:bearer|basic|digest|token)\s{1,4})?(?:\\+(?<escaped>["'])[^"']*["']?|"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s"'&;,]+)/iy
const URL_SECRET = /\b([a-z][a-z0-9+.-]{1,31}:\/\/)([^\s/@:?#]*):([^\s/?#]*)@/gi
const FORMS: readonly RegExp[] = [
  /\b(?:bearer|basic)\s+[\w~+/.=-]{8,}/gi,
  /\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk_live_|sk-|AIza|hvs\.|npm_|dop_v1_)[\w-]{16,}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*/g,
]

/** The same where it is the whole argument: then all that follows is the value, whatever stands in it. */
const WHOLE = /^(?<lead>(?:--?|\/)?(?<name>[A-Za-z_][\w.-]{0,127})(?:=|:(?!\/\/)\s{0,4}))./s

function withinText(text: string, isSecret: (name: string) => boolean, builtin: boolean): string {
  const whole = WHOLE.exec(text)?.groups
  if (whole && isSecret(whole['name'] ?? '')) return `${whole['lead']}${REDACTED}`
  const named = withoutNamed(text, isSecret)
  if (!builtin) return named
  const withoutUrls = named.replaceAll(URL_SECRET, `$1$2:${REDACTED}@`)
  return FORMS.reduce((left, form) => left.replaceAll(form, REDACTED), withoutUrls)
}

/** Values of secret names, in one pass: `name=value`, `name: value`, `"name":"value"`, `--name value`. */
function withoutNamed(text: string, isSecret: (name: string) => boolean): string {
  let out = ''
  let done = 0
  NAME.lastIndex = 0
  for (let found = NAME.exec(text); found; found = NAME.exec(text)) {
    const [, dashes = '', name = ''] = found
    if (!isSecret(name)) continue
    const between = endOf(dashes === '' ? ASSIGNS : OPTION_ASSIGNS, text, NAME.lastIndex)
    const end = between === undefined ? undefined : endOf(VALUE, text, between)
    if (between === undefined || end === undefined) continue
    const quote = /["']/.exec(text[between] ?? '')?.[0] ?? ''
    out += `${text.slice(done, between)}${quote}${REDACTED}${quote}`
    done = end
    NAME.lastIndex = end
  }
  return out + text.slice(done)
}

/** Where what matches at a place ends. */
function endOf(sticky: RegExp, text: string, at: number): number | undefined {
  sticky.lastIndex = at
  return sticky.test(text) ? sticky.lastIndex : undefined
}
