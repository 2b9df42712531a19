import type { ConnectorDefinition } from '../../component/definition.ts'
import type { Signal } from '../../data/signal.ts'
import { error } from '../fault.ts'
import type { Fault } from '../fault.ts'
import type { Component, Components } from './components.ts'
import type { Part, Written } from './pipelines.ts'

/** Connectors: ids that nothing else has, used at both ends, between signals that they can connect. */
export function checkConnectors(
  components: Components,
  pipelines: readonly Written[],
  report: (fault: Fault) => void,
): void {
  for (const connector of components.byKind.connector.values()) {
    const rival = (['receiver', 'exporter'] as const).find((kind) => components.byKind[kind].has(connector.id))
    if (rival !== undefined) report(ambiguous(connector, rival))
    else if (connector.definition?.kind === 'connector') checkUse(connector, connector.definition, pipelines, report)
  }
}

/** Whether data of `from` can leave the connector as `to`. */
export const connects = ({ stability }: ConnectorDefinition, from: Signal, to: Signal): boolean =>
  stability.some((pair) => pair.from === from && pair.to === to)

function ambiguous({ id, path, place }: Component, rival: 'receiver' | 'exporter'): Fault {
  const message =
    `ambiguous ID: Found both "${id}" ${rival} and "${id}" connector. Change one of the components' IDs to eliminate ` +
    `ambiguity (e.g. rename "${id}" connector to "${id}/connector")`
  return error({ code: 'ambiguous_id', message, path, place })
}

interface Use {
  readonly pipeline: Written
  readonly part: Part
}

function checkUse(
  connector: Component,
  definition: ConnectorDefinition,
  pipelines: readonly Written[],
  report: (fault: Fault) => void,
): void {
  const ends = (side: 'receivers' | 'exporters'): Use[] =>
    pipelines.flatMap((pipeline) =>
      pipeline[side].filter(({ component }) => component === connector).map((part) => ({ pipeline, part })),
    )
  const inputs = ends('exporters')
  const outputs = ends('receivers')
  const dead = (uses: readonly Use[], reaches: (signal: Signal) => boolean) =>
    Map.groupBy(
      uses.filter(({ pipeline }) => !reaches(pipeline.signal)),
      ({ pipeline }) => pipeline.signal,
    )
  const leads = (from: Signal) => outputs.some(({ pipeline }) => connects(definition, from, pipeline.signal))
  const fed = (to: Signal) => inputs.some(({ pipeline }) => connects(definition, pipeline.signal, to))
  for (const uses of dead(inputs, leads).values()) report(oneSided(connector, 'exporter', 'receiver', uses, definition))
  for (const uses of dead(outputs, fed).values()) report(oneSided(connector, 'receiver', 'exporter', uses, definition))
}

function oneSided(
  { id }: Component,
  as: string,
  missing: string,
  uses: readonly Use[],
  definition: ConnectorDefinition,
): Fault {
  const where = uses.map(({ pipeline }) => pipeline.id).join(' ')
  const message =
    `failed to build pipelines: connector "${id}" used as ${as} in [${where}] pipeline ` +
    `but not used in any supported ${missing} pipeline`
  const pairs = definition.stability.map(({ from, to }) => `${from} to ${to}`).join(', ')
  const { pipeline, part } = uses[0] as Use
  const hint = `name it among the ${missing}s of a pipeline too; ${definition.type} connects ${pairs}`
  return error({ code: 'one_sided_connector', message, path: pipeline.path, place: part.place, hint })
}
