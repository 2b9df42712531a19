import { openSync, writeSync } from 'node:fs'
import { pino } from 'pino'
import type { Logger } from 'pino'
import type { Log } from '../component/context.ts'
import { LOG_LEVELS } from '../component/control.ts'
import type { LogLevel } from '../component/control.ts'
import type { LogTelemetry } from '../config/telemetry.ts'

/** A log whose level may be changed while it runs, with that of all that were made from it. */
export interface LevelledLog extends Log {
  level: LogLevel
  child(fields: object): LevelledLog
}

/**
 * Logs as the Collector's: a console line for people, or a JSON object a line, on standard error and wherever else
 * `output_paths` say. `resource` stands on lines in JSON. Throws where a file cannot be opened.
 */
export function logger(telemetry: LogTelemetry, resource: object = {}): LevelledLog {
  const { level, encoding, initialFields } = telemetry
  const named = telemetry.resource && encoding === 'json' && Object.keys(resource).length > 0
  const options = {
    // What is too little is held back before it comes here.
    level: LOG_LEVELS[0],
    base: { ...(named && { resource }), ...initialFields },
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { error: errorText },
    timestamp: pino.stdTimeFunctions.isoTime,
  }
  const writers = telemetry.outputPaths.map((path) => writer(path, encoding === 'json'))
  const form = encoding === 'json' ? (line: string) => line : consoleLine
  const written = pino(options, {
    write(line) {
      const text = form(line)
      for (const write of writers) write(text)
    },
  })
  return new Gated(written, { level })
}

/** Lets through what is of the level or above. pino's children have a level of their own each; of these it is one for all. */
class Gated implements LevelledLog {
  readonly #written: Logger
  readonly #gate: { level: LogLevel }

  constructor(written: Logger, gate: { level: LogLevel }) {
    this.#written = written
    this.#gate = gate
  }

  get level(): LogLevel {
    return this.#gate.level
  }

  set level(level: LogLevel) {
    this.#gate.level = level
  }

  child(fields: object): LevelledLog {
    return new Gated(this.#written.child(fields), this.#gate)
  }

  debug(fields: object, message: string): void {
    if (this.#passes('debug')) this.#written.debug(fields, message)
  }

  info(fields: object, message: string): void {
    if (this.#passes('info')) this.#written.info(fields, message)
  }

  warn(fields: object, message: string): void {
    if (this.#passes('warn')) this.#written.warn(fields, message)
  }

  error(fields: object, message: string): void {
    this.#written.error(fields, message)
  }

  #passes(level: LogLevel): boolean {
    return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(this.#gate.level)
  }
}

/** Standard error in JSON is written at once, so that the last line before an end is whole. */
function writer(path: string, direct: boolean): (text: string) => void {
  if (path === 'stderr' && direct) {
    // Where nobody reads it any more, pino's own destination is silent by itself.
    const destination = pino.destination({ dest: 2, sync: true })
    return (text) => destination.write(text)
  }
  if (path === 'stderr' || path === 'stdout') {
    const stream = process[path]
    if (!stream.listeners('error').includes(nobodyReads)) stream.on('error', nobodyReads)
    return (text) => void stream.write(text)
  }
  return fileWriter(path)
}

/** A disk that is full must not end what the log is about: the line is missing then, and the next is tried again. */
function fileWriter(path: string): (text: string) => void {
  const file = openSync(path, 'a')
  return (text) => {
    try {
      writeSync(file, text)
    } catch (error) {
      process.stderr.write(`${path}: ${(error as Error).message}: ${text}`)
    }
  }
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
