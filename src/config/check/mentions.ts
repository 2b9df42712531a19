import { error } from '../fault.ts'
import type { Fault } from '../fault.ts'
import { shown } from '../place.ts'
import type { Components } from './components.ts'
import type { Written } from './pipelines.ts'
import { notConfigured } from './pipelines.ts'

/** Options that name an extension (`auth::authenticator`) or a pipeline: what they name must be there, and run. */
export function checkMentions(
  components: Components,
  pipelines: readonly Written[],
  extensions: readonly string[],
  report: (fault: Fault) => void,
): void {
  for (const { of, id, path, place } of components.mentions) {
    if (of === 'pipeline') {
      if (pipelines.some((pipeline) => pipeline.id === id)) continue
      const message = `references pipeline ${shown(id, place)} which is not configured`
      report(error({ code: 'not_configured', message, path, place }))
    } else if (!components.byKind.extension.has(id)) report(notConfigured(['extension'], id, place, path, components))
    else if (!extensions.includes(id)) {
      const message = `references extension ${shown(id, place)} which is not listed in service::extensions`
      report(error({ code: 'not_listed', message, path, place }))
    }
  }
}
