const LINE = /^\s*([A-Z][A-Z0-9_]*)=(.*?)\s*$/
const MAX_LINES = 500

/** Reads /etc/os-release (os-release(5)): shell-like assignments, with quotes and backslashes but without expansion. */
export function parseOsRelease(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const line of text.split('\n', MAX_LINES)) {
    const [, name, value] = LINE.exec(line) ?? []
    if (name !== undefined && value !== undefined) values.set(name, unquote(value))
  }
  return values
}

function unquote(value: string): string {
  const quote = value[0]
  if (quote === "'" && value.endsWith("'") && value.length > 1) return value.slice(1, -1)
  const inner = quote === '"' && value.endsWith('"') && value.length > 1 ? value.slice(1, -1) : value
  return inner.replace(/\\([\\"$`'])/g, '$1')
}
