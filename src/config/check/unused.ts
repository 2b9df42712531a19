import { warning } from '../fault.ts'
import type { Fault } from '../fault.ts'
import { spot } from '../overridden.ts'
import type { Overridden } from '../overridden.ts'
import type { Component, Components } from './components.ts'
import type { Written } from './pipelines.ts'

/** Components that something names: parts of pipelines, and extensions that are listed. In the order of the file. */
export function usedComponents(
  components: Components,
  pipelines: readonly Written[],
  extensions: readonly string[],
): Component[] {
  const inPipelines = new Set(
    pipelines.flatMap(({ receivers, processors, exporters }) =>
      [...receivers, ...processors, ...exporters].map(({ component }) => component),
    ),
  )
  return all(components).filter((component) =>
    component.kind === 'extension' ? extensions.includes(component.id) : inPipelines.has(component),
  )
}

/** Defining is not enabling: what nothing names does not run. `overridden` are lists that may have named it. */
export function checkUnused(
  components: Components,
  used: readonly Component[],
  overridden: readonly Overridden[],
  warn: (fault: Fault) => void,
): void {
  for (const component of all(components)) {
    if (used.includes(component) || component.definition === undefined) continue
    const where = component.kind === 'extension' ? 'is not listed in service::extensions' : 'is used in no pipeline'
    const message = `is configured but ${where}: it will not run`
    warn(
      warning({
        code: 'unused',
        message,
        path: component.path,
        place: component.place,
        hint: takenOut(component, overridden),
      }),
    )
  }
}

function takenOut({ id, path }: Component, overridden: readonly Overridden[]): string | undefined {
  const written = path.slice(path.indexOf('::') + 2)
  const list = overridden.find(({ ids }) => ids.includes(id) || ids.includes(written))
  return list && `${list.path} named it until ${spot(list.by)} replaced that list`
}

const all = ({ byKind }: Components): Component[] =>
  Object.values(byKind).flatMap((components) => [...components.values()])
