import type { Node } from '../node.ts'

/** How to write as a mapping what is none: `grpc` for `grpc:`, a list of names, `endpoint:localhost` without its space. */
export function asMapping(node: Node, known: readonly string[]): string | undefined {
  if (node.place.reference !== undefined) return undefined
  if (node.kind === 'list') {
    const names = node.items.flatMap((item) =>
      item.kind === 'scalar' && typeof item.value === 'string' ? item.value : [],
    )
    return names.length > 0 ? `write each as a key: "${names[0]}:"` : undefined
  }
  if (node.kind !== 'scalar' || typeof node.value !== 'string') return undefined
  const [, key, value] = /^([\w/-]+):(\S.*)$/s.exec(node.value) ?? []
  if (key !== undefined) return `write a space after the colon: "${key}: ${value}"`
  return known.includes(node.value) ? `write it as a key: "${node.value}:"` : undefined
}
