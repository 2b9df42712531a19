import { error } from '../fault.ts'
import type { Fault } from '../fault.ts'
import { shown } from '../place.ts'
import type { Mention } from '../decode/spot.ts'
import type { Component, Components } from './components.ts'
import type { Written } from './pipelines.ts'
import { notConfigured } from './pipelines.ts'

/** Options that name an extension (`auth::authenticator`), a receiver or a pipeline: what they name must be there, and run. */
export function checkMentions(
  components: Components,
  pipelines: readonly Written[],
  extensions: readonly string[],
  report: (fault: Fault) => void,
): void {
  for (const { of, offering, id, path, place } of components.mentions) {
    if (of === 'pipeline') {
      if (pipelines.some((pipeline) => pipeline.id === id)) continue
      const message = `references pipeline ${shown(id, place)} which is not configured`
      report(error({ code: 'not_configured', message, path, place }))
    } else if (of === 'receiver') {
      if (!components.byKind.receiver.has(id)) {
        if (!components.unread.has('receiver')) report(notConfigured(['receiver'], id, place, path, components))
      } else if (!pipelines.some(({ receivers }) => receivers.some(({ component }) => component.id === id))) {
        const message = `references receiver ${shown(id, place)} which is in no pipeline`
        report(error({ code: 'not_listed', message, path, place, hint: 'what is in no pipeline does not run' }))
      } else if (offering !== undefined && lacks(components.byKind.receiver.get(id), offering)) {
        const hint = `receiver ${shown(id, place)} does not offer ${offering}`
        const message = `references a receiver that does not offer ${offering}`
        report(error({ code: 'not_offered', message, path, place, hint }))
      }
    } else if (!components.byKind.extension.has(id)) {
      if (!components.unread.has('extension')) report(notConfigured(['extension'], id, place, path, components))
    } else if (!extensions.includes(id)) {
      const message = `references extension ${shown(id, place)} which is not listed in service::extensions`
      const hint = `what is not listed does not run: extensions: [${[...extensions, place.reference ?? id].join(', ')}]`
      report(error({ code: 'not_listed', message, path, place, hint }))
    } else if (offering !== undefined && lacks(components.byKind.extension.get(id), offering)) {
      const hint = `extension ${shown(id, place)} does not offer ${offering}`
      const message = SENTENCES[offering] ?? `references an extension that does not offer ${offering}`
      report(error({ code: 'not_offered', message, path, place, hint }))
    }
  }
  checkCircles(components, report)
}

/** As the Collector says it. */
const SENTENCES: Readonly<Record<string, string>> = {
  'client authentication': 'requested authenticator is not a client authenticator',
  'server authentication': 'requested authenticator is not a server authenticator',
  'request limiting': 'requested extension is not a server middleware',
}

/** What a faulty component, or an extension that does not say what it offers, would offer is not known. A receiver that says nothing offers nothing. */
function lacks(component: Component | undefined, offering: string): boolean {
  const { sound, definition, config } = component ?? {}
  if (!sound || (definition?.kind !== 'extension' && definition?.kind !== 'receiver')) return false
  const offers = definition.offers?.(config) ?? (definition.kind === 'receiver' ? [] : undefined)
  return offers !== undefined && offers.every(({ name }) => name !== offering)
}

/** Extensions that name one another in a circle would call one another for ever. */
function checkCircles({ byKind, mentions }: Components, report: (fault: Fault) => void): void {
  const named = new Map<string, Mention[]>()
  for (const { id, path } of byKind.extension.values())
    named.set(
      id,
      mentions.filter((each) => each.of === 'extension' && each.path === path),
    )
  const reaches = (from: string, goal: string, seen: Set<string>): boolean =>
    (named.get(from) ?? []).some(({ id }) => {
      if (id === goal) return true
      if (seen.has(id)) return false
      seen.add(id)
      return reaches(id, goal, seen)
    })
  for (const [id, references] of named)
    for (const { id: next, path, place } of references)
      if (next === id || reaches(next, id, new Set())) {
        const message = `references extension ${shown(next, place)} which leads back to this one`
        report(error({ code: 'cycle', message, path, place }))
      }
}
