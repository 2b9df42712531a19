/** Ids of these types as a configuration may write them: hyphens for underscores, a name behind a slash, spaces around both. */
export function idPattern(types: readonly string[]): string {
  const words = types.map((type) => type.replaceAll('_', '[_-]'))
  return String.raw`^\s*(${words.join('|')})\s*(/.*\S.*)?$`
}
