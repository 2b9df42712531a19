import type { Place } from './place.ts'
import { withoutSecrets } from './secret-names.ts'

/** Columns of a line that are printed at most. */
const MAX_WIDTH = 160

/**
 * The line of a fault with a caret below its column. Where the line holds a value that must not be seen, it is printed up
 * to that value only; what stands beside the fault and is called a secret is starred out.
 */
export function codeFrame(text: string, { line, column }: Place, secret: boolean): string[] {
  const whole = text.split(/\r?\n/, line)[line - 1]
  if (whole === undefined) return []
  const start = Math.max(0, column - MAX_WIDTH / 2)
  const end = secret ? column - 1 : start + MAX_WIDTH
  const cut = withoutSecrets(whole).slice(start === 0 ? 0 : start, end)
  const shown = `${start > 0 ? '…' : ''}${cut}${secret || whole.length > end ? '…' : ''}`
  // Tabs stay tabs, so that the caret stands below its column whatever their width.
  const before = shown.slice(0, column - 1 - start + (start > 0 ? 1 : 0)).replaceAll(/[^\t]/g, ' ')
  const number = String(line).padStart(5)
  return [`${number} | ${shown}`, `${' '.repeat(number.length)} | ${before}^`]
}
