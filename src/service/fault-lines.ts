import type { Fault } from '../config/fault.ts'

/** Each fault in one line, as a report of a reload has it: `agent.yaml:12:7: receivers::otlp: sentence`. */
export const faultLines = (faults: readonly Fault[]): string[] =>
  faults
    .filter(({ severity }) => severity === 'error')
    .map(({ place, path, message }) => {
      const where = place.line > 0 ? `${place.source}:${place.line}:${place.column}` : place.source
      return [where, path, message].filter((part) => part !== '').join(': ')
    })

/** What went wrong, several things apart. */
export const messagesOf = (error: unknown): string[] =>
  error instanceof AggregateError
    ? error.errors.flatMap(messagesOf)
    : [error instanceof Error ? error.message : String(error)]
