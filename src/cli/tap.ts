import { once } from 'node:events'
import http from 'node:http'
import type { IncomingMessage } from 'node:http'
import https from 'node:https'
import { createInterface } from 'node:readline'
import { UsageError } from './arguments.ts'
import type { Arguments } from './arguments.ts'
import { colours } from './colours.ts'
import { tapText } from './tap-text.ts'
import type { TapLine } from './tap-text.ts'

/** How long a connection may take, in milliseconds. */
const PATIENCE = 10_000
/** Bytes of a refusal that are read. */
const LARGEST_REFUSAL = 64 * 1024

/** Shows what passes in a running Telegen until Ctrl-C, or until whoever reads goes. */
export async function tap(given: Arguments): Promise<number> {
  const stop = new AbortController()
  const end = () => stop.abort()
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
  process.stdout.once('error', end)
  try {
    return await show(given, stop.signal)
  } catch (error) {
    if (stop.signal.aborted) return 0
    if (error instanceof UsageError) throw error
    return failed(`${given.tap.endpoint}: ${(error as Error).message}`)
  } finally {
    process.off('SIGINT', end)
    process.off('SIGTERM', end)
  }
}

async function show(given: Arguments, stop: AbortSignal): Promise<number> {
  const response = await ask(given, stop)
  if (response.statusCode !== 200) return failed(await refusalOf(response))
  const colour = colours(process.stdout)
  for await (const line of createInterface({ input: response, crlfDelay: Infinity })) {
    const told = JSON.parse(line) as TapLine
    if ('record' in told) {
      const text = given.output === 'json' ? `${line}\n` : tapText(told, colour)
      if (!process.stdout.write(text)) await once(process.stdout, 'drain', { signal: stop })
    } else process.stderr.write(aside(told))
  }
  return stop.aborted ? 0 : failed('Telegen has ended the tap: it stops, or nobody read what it sent')
}

/** What is no record goes to standard error, so that a pipe has records alone. */
function aside(told: Exclude<TapLine, { readonly record: unknown }>): string {
  if ('tap' in told) {
    const edges = told.tap.edges.map(({ pipeline, from, to }) => `${pipeline}: ${from} → ${to}`).join(', ')
    return `# ${edges}\n${told.tap.note === undefined ? '' : `# ${told.tap.note}\n`}`
  }
  const { skipped, lost } = told
  const parts = [
    ...(skipped > 0 ? [`${skipped} items more passed (--limit, --filter narrow it down)`] : []),
    ...(lost > 0 ? [`${lost} items lost: this terminal is too slow`] : []),
  ]
  return `# ${parts.join(', ')}\n`
}

async function ask(
  { words, tap: { endpoint, headers, query } }: Arguments,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const target = new URLSearchParams([['target', words[0] as string], ...query])
  const { origin, socketPath } = placeOf(endpoint)
  const url = new URL(`/tap?${target.toString()}`, origin)
  const options = { signal, ...(socketPath && { socketPath }), headers: Object.fromEntries(headers.map(headerOf)) }
  const request = url.protocol === 'https:' ? https.get(url, options) : http.get(url, options)
  const timer = setTimeout(() => request.destroy(new Error('nobody answered in time')), PATIENCE)
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    return response
  } finally {
    clearTimeout(timer)
  }
}

/** `localhost:13134`, `https://host:13134`, `unix:/run/telegen.sock`. */
function placeOf(endpoint: string): { readonly origin: string; readonly socketPath?: string } {
  if (endpoint.startsWith('unix:')) return { origin: 'http://localhost', socketPath: endpoint.slice('unix:'.length) }
  const origin = /^https?:\/\//.test(endpoint) ? endpoint : `http://${endpoint}`
  if (!URL.canParse(origin))
    throw new UsageError(`invalid endpoint: "${endpoint}"`, 'write host:port, https://host:port or unix:/path')
  return { origin }
}

function headerOf(written: string): [string, string] {
  const at = written.indexOf(':')
  if (at < 1) throw new UsageError('invalid header', "write --header 'Authorization: Bearer …'")
  return [written.slice(0, at).trim(), written.slice(at + 1).trim()]
}

async function refusalOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk
    if (text.length > LARGEST_REFUSAL) break
  }
  const reason = /"error":\s*("(?:[^"\\]|\\.)*")/.exec(text)?.[1]
  return reason === undefined
    ? `it answered ${response.statusCode}: is that Telegen's admin endpoint?`
    : (JSON.parse(reason) as string)
}

function failed(message: string): number {
  process.stderr.write(`Error: ${message}\n`)
  return 1
}
