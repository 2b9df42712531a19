import type { WantedHeader } from '../../socket/protocols/http/message.ts'
import type { HttpTracerOptions } from './options.ts'

/** Headers to tell, with the attribute that each becomes. */
export function wantedHeaders({ request, response, redact }: HttpTracerOptions['headers']): {
  readonly requestHeaders: readonly WantedHeader[]
  readonly answerHeaders: readonly WantedHeader[]
} {
  const redacted = new Set(redact.map((name) => name.toLowerCase()))
  const wanted = (names: readonly string[], side: string): WantedHeader[] =>
    [...new Set(names.map((name) => name.trim().toLowerCase()))].map((name) => ({
      name,
      attribute: `http.${side}.header.${name}`,
      isRedacted: redacted.has(name),
    }))
  return { requestHeaders: wanted(request, 'request'), answerHeaders: wanted(response, 'response') }
}
