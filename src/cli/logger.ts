import { pino } from 'pino'
import type { Log } from '../component/context.ts'
import type { Telemetry } from '../config/configuration.ts'

/** Logs on standard error, as the Collector's do: a console line for people, or a JSON object a line. */
export function logger({ level, encoding }: Telemetry['logs']): Log & { child(fields: object): Log } {
  const options = {
    level,
    base: null,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { error: errorText },
  }
  // Where nobody reads it any more, pino's own destination is silent by itself.
  if (encoding === 'json')
    return pino({ ...options, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ dest: 2, sync: true }))
  if (!process.stderr.listeners('error').includes(nobodyReads)) process.stderr.on('error', nobodyReads)
  return pino(
    { ...options, timestamp: pino.stdTimeFunctions.isoTime },
    { write: (line) => void process.stderr.write(consoleLine(line)) },
  )
}

/** Whoever read the log has gone. Telling that in the log would fail again, and again for the telling, without end. */
function nobodyReads(): void {}

/** Errors have no fields that JSON would show: their message, and where it came from if nobody foresaw them. */
function errorText(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  return MISTAKES.some((mistake) => error instanceof mistake) ? error.stack : error.message
}

const MISTAKES = [TypeError, RangeError, ReferenceError, SyntaxError]

/** `2026-08-01T12:00:00.000Z  info  Everything is ready…  {"pipelines":2}` */
function consoleLine(json: string): string {
  const { level, time, msg, ...fields } = JSON.parse(json) as { level: string; time: string; msg: string }
  const rest = Object.keys(fields).length > 0 ? `\t${JSON.stringify(fields)}` : ''
  return `${time}\t${level}\t${msg}${rest}\n`
}
