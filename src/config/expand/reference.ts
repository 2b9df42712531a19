/**
 * The first `${…}` of a text that is to be expanded: up to the first `}`, from the last `${` before it, so that inner
 * references come before outer ones. An odd number of `$` in front escapes it, and then nothing behind it is looked at:
 * in `$${A} ${B}` neither is expanded, as in the Collector.
 */
export function findReference(text: string): string | undefined {
  for (let from = 0; ;) {
    const close = text.indexOf('}', from)
    if (close === -1) return undefined
    const open = text.lastIndexOf('${', close)
    if (open >= from) return isEscaped(text, open) ? undefined : text.slice(open, close + 1)
    from = close + 1
  }
}

/** `$$` stands for `$`, in every value, wherever it came from. */
export const unescape = (text: string): string => text.split('$$').join('$')

function isEscaped(text: string, open: number): boolean {
  let dollars = 0
  while (text[open - 1 - dollars] === '$') dollars++
  return dollars % 2 === 1
}
