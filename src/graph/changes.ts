import type { Assembly, Part } from './parts.ts'

/** What a reload started, stopped and left alone: `exporter otlp_http/backup`, a processor with its pipeline. */
export interface Changes {
  readonly started: readonly string[]
  readonly stopped: readonly string[]
  readonly kept: readonly string[]
}

export const NO_CHANGES: Changes = { started: [], stopped: [], kept: [] }

/** What going from `live` to `next` changes. */
export function changesOf(next: Assembly, live: ReadonlySet<Part>): Changes {
  const staying = new Set(next.parts)
  const names = (parts: readonly Part[]) => parts.map(nameOf)
  return {
    started: names(next.parts.filter((part) => !live.has(part))),
    stopped: names([...live].filter((part) => !staying.has(part))),
    kept: names(next.parts.filter((part) => live.has(part))),
  }
}

const nameOf = (part: Part): string =>
  part.kind === 'processor' ? `processor ${part.created.id} in ${part.pipeline}` : `${part.kind} ${part.created.id}`
