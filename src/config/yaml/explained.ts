import { visit } from 'yaml'
import type { Document, ErrorCode, YAMLError } from 'yaml'

/** Where people should look for the cause of what the YAML library tells, and what to do about it. */
export function explained(
  { code, message, pos: [start] }: YAMLError,
  document: Document.Parsed,
  text: string,
): { readonly offset: number; readonly hint: string | undefined } {
  const opened = message.startsWith('Missing closing') ? openingQuote(document, start) : undefined
  if (opened !== undefined) return { offset: opened, hint: 'the quote that opens here is not closed' }
  const blank = code === 'TAB_AS_INDENT' ? 0 : (/^ */.exec(text.slice(start))?.[0].length ?? 0)
  return {
    offset: start + blank,
    hint: /must be sufficiently indented and end with/.test(message) ? UNCLOSED : HINTS[code],
  }
}

const UNCLOSED = 'a [ or { before this is not closed'

const HINTS: Partial<Record<ErrorCode, string>> = {
  TAB_AS_INDENT: 'indent with spaces, not with tabs',
  BAD_INDENT: 'what belongs together begins in the same column',
  BLOCK_AS_IMPLICIT_KEY: 'one `key: value` a line; a value that holds ": " must stand in quotes',
  MULTILINE_IMPLICIT_KEY: 'a colon may be missing on this line',
  MISSING_CHAR: 'a colon, comma, bracket or quote is missing',
}

/** Where the quoted text begins that reaches to `end`. */
function openingQuote(document: Document.Parsed, end: number): number | undefined {
  let found: number | undefined
  visit(document, {
    Scalar(_, { range, type }) {
      if (type?.startsWith('QUOTE') && range && range[0] < end && range[1] >= end) found = range[0]
    },
  })
  return found
}
