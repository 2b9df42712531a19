import { pattern } from '../../../plugin.ts'

/** Whether `*` and `?` stay within one part of a path, so that `/opt/*` is not `/opt/a/b`. */
type Of = 'path' | 'text'

/**
 * `*` is any text, `**` too where `*` stays within one part of a path, `?` one character, `[a-z]` one of some (`[!a-z]` of all others),
 * `{a,b}` one of several, `\` takes the next as it is. Without any of these it is the text itself.
 */
export function glob(source: string, of: Of): (text: string) => boolean {
  if (!/[*?[{\\]/.test(source)) return (text) => text === source
  // Linear in time whatever the text is: processes choose their names.
  const compiled = pattern(expression(source, of))
  return (text) => compiled.test(text)
}

/** What is wrong with a glob; undefined where nothing is. */
export function globFault(source: string): string | undefined {
  if (source === '') return 'must not be empty'
  if (source.length > LONGEST) return `must not be longer than ${LONGEST} characters`
  try {
    pattern(expression(source, 'path'))
    return undefined
  } catch (error) {
    return error instanceof BadGlob ? error.message : `is not a glob: ${(error as Error).message}`
  }
}

const LONGEST = 1024

class BadGlob extends Error {}

/** The glob as a regular expression of RE2's syntax. */
function expression(source: string, of: Of): string {
  const one = of === 'path' ? '[^/]' : '.'
  let out = ''
  let depth = 0
  for (let at = 0; at < source.length; at++) {
    const each = source[at] as string
    if (each === '\\') {
      if (at + 1 === source.length) throw new BadGlob('ends with a backslash that takes nothing')
      out += quoted(source[++at] as string)
    } else if (each === '*') {
      const isDeep = source[at + 1] === '*'
      if (isDeep) at++
      out += isDeep ? '.*' : `${one}*`
    } else if (each === '?') out += one
    else if (each === '[') {
      const end = source.indexOf(']', at + 2)
      if (end < 0) throw new BadGlob('has a "[" without its "]"')
      const inside = source.slice(at + 1, end).replace(/[\\[\]^]/g, '\\$&')
      out += inside.startsWith('!') ? `[^${inside.slice(1)}]` : `[${inside}]`
      at = end
    } else if (each === '{') {
      if (depth++ > 0) throw new BadGlob('has a "{" within a "{"')
      out += '(?:'
    } else if (each === '}' && depth > 0) {
      depth--
      out += ')'
    } else out += each === ',' && depth > 0 ? '|' : quoted(each)
  }
  if (depth > 0) throw new BadGlob('has a "{" without its "}"')
  return `^(?s:${out})$`
}

const quoted = (character: string): string => character.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
