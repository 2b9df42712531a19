import { equal } from './equal.ts'
import { extensionKey, receiverKey } from './keys.ts'
import { connectorKey, exporterKey, processorKey } from './parts.ts'
import type { Part } from './parts.ts'
import type { Plan } from './plan.ts'

type Planned = Part['planned']

/** Which running parts a plan takes over as they are: the same definition with the same options, for the same signals, with the same extensions behind them. */
export class Keeping {
  readonly #kept: ReadonlyMap<string, Part>

  constructor(plan: Plan, live: ReadonlySet<Part>) {
    const wanted = wantedBy(plan)
    let kept = [...live].filter((part) => {
      const planned = wanted.get(part.key)
      return planned !== undefined && isSame(part, planned)
    })
    // What stands on an extension or receiver that goes cannot stay, and that may be an extension itself.
    for (let before = -1; before !== kept.length;) {
      before = kept.length
      const staying = new Set(kept.map(({ key }) => key))
      kept = kept.filter(({ created }) => [...created.uses].every((key) => staying.has(key)))
    }
    this.#kept = new Map(kept.map((part) => [part.key, part]))
  }

  find(key: string): Part | undefined {
    return this.#kept.get(key)
  }
}

function isSame(part: Part, wanted: Planned): boolean {
  const { definition, config } = part.planned
  return (
    definition === wanted.definition && equal(config, wanted.config) && signalsOf(part.planned) === signalsOf(wanted)
  )
}

/** What a component is told of signals when it is created. */
function signalsOf(planned: Planned): string {
  const signals = 'outlets' in planned ? [...planned.outlets.keys()] : 'signals' in planned ? planned.signals : []
  return signals.toSorted((left, right) => (left < right ? -1 : 1)).join(' ')
}

function wantedBy({ extensions, exporters, connectors, pipelines, receivers }: Plan): ReadonlyMap<string, Planned> {
  return new Map<string, Planned>([
    ...extensions.map((each) => [extensionKey(each.id), each] as const),
    ...exporters.map((each) => [exporterKey(each.id), each] as const),
    ...connectors.map((each) => [connectorKey(each), each] as const),
    ...pipelines.flatMap(({ id, processors }) => processors.map((each) => [processorKey(id, each.id), each] as const)),
    ...receivers.map((each) => [receiverKey(each.id), each] as const),
  ])
}
