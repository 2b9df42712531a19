/** An address as it may be printed: user, password and query, where people keep tokens, left out. */
export function printableUrl(text: string): string {
  if (!URL.canParse(text)) return `${text.slice(0, text.indexOf(':') + 1)}…`
  const { protocol, host, pathname, username, password, search } = new URL(text)
  const user = username === '' && password === '' ? '' : '[REDACTED]@'
  return `${protocol}//${user}${host}${pathname}${search === '' ? '' : '?[REDACTED]'}`
}
