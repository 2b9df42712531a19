import type { IncomingMessage, ServerResponse } from 'node:http'

/** An answer that is there at once. */
export interface Answer {
  readonly status: number
  readonly type: 'application/json' | 'application/yaml' | 'text/plain' | 'text/html'
  readonly body: string
}

export const json = (value: unknown, status = 200): Answer => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(value, undefined, 2)}\n`,
})
export const text = (body: string, status = 200): Answer => ({ status, type: 'text/plain', body })
export const yaml = (body: string): Answer => ({ status: 200, type: 'application/yaml', body })
/** A request that cannot be answered, with a sentence that says why. */
export const refusal = (status: number, error: string): Answer => json({ error }, status)

/** Nothing here may be kept by a cache, shown in a frame, read by another origin, or load anything from elsewhere. */
export const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

/** How long a client may take nothing of an answer before its connection ends. */
const UNREAD_MS = 30_000

export function send(request: IncomingMessage, response: ServerResponse, answer: Answer, more: object = {}): void {
  if (response.headersSent || response.destroyed) return void response.destroy()
  const { status, type, body } = answer
  response.setTimeout(UNREAD_MS, () => response.destroy())
  response.writeHead(status, {
    ...HEADERS,
    ...more,
    'Content-Type': `${type}; charset=utf-8`,
    'Content-Length': Buffer.byteLength(body),
    // A body that nobody reads is not waited for.
    ...(!request.complete && { Connection: 'close' }),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}
