import { error } from '../fault.ts'
import type { Fault } from '../fault.ts'
import { isNull } from '../node.ts'
import type { Mapping } from '../node.ts'
import type { Place } from '../place.ts'
import { didYouMean, isMisspelt } from '../nearest.ts'

const KEYS = ['receivers', 'processors', 'exporters', 'connectors', 'extensions', 'service', 'plugins']

/** Whether there is a configuration at all; its unknown keys and missing sections are reported. */
export function checkTopLevel(root: Mapping, report: (fault: Fault) => void): boolean {
  const whole = startOf(root)
  if (root.entries.size === 0) {
    report(error({ code: 'empty', message: 'empty configuration file', path: '', place: whole }))
    return false
  }
  for (const [key, { key: place }] of root.entries) {
    if (KEYS.includes(key)) continue
    const hint = didYouMean(key, KEYS) ?? (/^[x.]/.test(key) ? NO_ANCHORS : undefined)
    report(error({ code: 'unknown_key', message: `has invalid keys: ${key}`, path: '', place, hint }))
  }
  for (const kind of ['receiver', 'exporter'] as const) {
    const item = root.entries.get(`${kind}s`)
    const missing =
      item === undefined || isNull(item.node) || (item.node.kind === 'map' && item.node.entries.size === 0)
    const message = `no ${kind} configuration specified in config`
    if (missing && !isUnread(root, `${kind}s`))
      report(error({ code: `no_${kind}s`, message, path: `${kind}s`, place: item?.key ?? whole }))
  }
  return true
}

const NO_ANCHORS = 'there is no section for anchors: write `&name` where the value is first used'

/** Where a configuration begins: the place for what is missing in it. */
export const startOf = ({ place }: Mapping): Place => (place.line > 0 ? place : { ...place, line: 1, column: 1 })

/** Whether a section is there in some form that is no section: misspelt, or not a mapping. That is reported. */
export function isUnread(root: Mapping, section: string): boolean {
  const item = root.entries.get(section)
  if (item === undefined) return isMisspelt(section, root.entries.keys(), KEYS)
  return item.node.kind !== 'map' && !isNull(item.node)
}
