import type { IncomingMessage } from 'node:http'
import { LOG_LEVELS } from '../../plugin.ts'
import type { Control, LogLevel } from '../../plugin.ts'
import { json, refusal } from './answer.ts'
import type { Answer } from './answer.ts'
import type { Asked } from './route.ts'

const LARGEST_BODY_BYTES = 256

export const logLevel = (control: Control): Answer => json({ level: control.logLevel })

/** Takes `debug` and `{"level":"debug"}`. */
export async function changeLogLevel({ request, control, context }: Asked): Promise<Answer> {
  const written = await bodyOf(request)
  const level = written === undefined ? undefined : levelIn(written.trim())
  if (level === undefined) return refusal(400, `write ${LOG_LEVELS.join(', ')}, or {"level":"info"}`)
  const before = control.logLevel
  control.logLevel = level
  context.log.warn({ before, now: level, peer: request.socket.remoteAddress }, 'The log level was changed')
  return logLevel(control)
}

/** Undefined where it is longer than any level. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) {
    body += chunk
    if (body.length > LARGEST_BODY_BYTES) return undefined
  }
  return body
}

function levelIn(written: string): LogLevel | undefined {
  const name = written.startsWith('{') ? /^\{\s*"level"\s*:\s*"([a-z]+)"\s*\}$/.exec(written)?.[1] : written
  return LOG_LEVELS.find((level) => level === name)
}
