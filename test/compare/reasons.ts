/** The ids of docs/differences.md: its headings of the second level, in code. */
export const reasons = (markdown: string): Set<string> =>
  new Set([...markdown.matchAll(/^## `([a-z0-9-]+)`/gm)].map(([, id]) => id as string))
