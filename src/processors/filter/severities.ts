const NAMES = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']
const STEPS = ['', '2', '3', '4']

/** Severity numbers by their short names and by themselves (https://opentelemetry.io/docs/specs/otel/logs/data-model/#displaying-severity). */
export const SEVERITIES: ReadonlyMap<string, number> = new Map(
  NAMES.flatMap((name) => STEPS.map((step) => name + step)).flatMap((name, index) => [
    [name, index + 1],
    [String(index + 1), index + 1],
  ]),
)
