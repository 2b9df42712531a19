import { Block, checkServerTls, Endpoint, Options, serverTls, Type } from '../../plugin.ts'
import type { OptionFault, Static } from '../../plugin.ts'

export const options = Options({
  endpoint: Endpoint({ default: 'localhost:13133', description: 'Where to listen: `host:port`.' }),
  path: Type.String({ default: '/', description: 'The path that answers whether Telegen runs.' }),
  response_body: Block(
    {
      healthy: Type.Optional(
        Type.String({ description: 'What `path` answers while Telegen runs, instead of a JSON object.' }),
      ),
      unhealthy: Type.Optional(Type.String({ description: 'What it answers before and after.' })),
    },
    { description: 'Texts to answer with.' },
  ),
  tls: serverTls(),
  check_collector_pipeline: Type.Optional(
    Type.Unknown({ description: 'Given up by the Collector; refused where it is switched on.' }),
  ),
})
export type HealthConfig = Static<typeof options>

export function* faults({ endpoint, path, tls, check_collector_pipeline }: HealthConfig): Iterable<OptionFault> {
  if ((check_collector_pipeline as { enabled?: unknown } | null | undefined)?.enabled === true)
    yield {
      path: ['check_collector_pipeline'],
      message: '"check_collector_pipeline" is not built: `path` does not tell of failing exporters',
      hint: 'leave it out and ask /ready, which does',
    }
  yield* checkServerTls(tls, ['tls'])
  if (addressOf(endpoint) === undefined)
    yield {
      path: ['endpoint'],
      message: `"${endpoint}" is no endpoint`,
      hint: 'write host:port, for example localhost:13133',
    }
  if (!path.startsWith('/')) yield { path: ['path'], message: 'path must start with /' }
  else if (PATHS_TAKEN.has(path)) yield { path: ['path'], message: `"${path}" is taken: it answers something else` }
}

/** Paths that always answer what their names say. */
const PATHS_TAKEN = new Set(['/ready', '/live', '/status'])

export interface Address {
  /** Undefined: all of the machine's addresses. */
  readonly host: string | undefined
  readonly port: number
}

const ADDRESS = /^(?:\[(?<six>[\da-fA-F:.]+)\]|(?<host>[^:[\]/]*)):(?<port>\d{1,5})$/

export function addressOf(endpoint: string): Address | undefined {
  const parts = ADDRESS.exec(endpoint)?.groups
  const port = Number(parts?.['port'])
  if (parts === undefined || port > 65_535) return undefined
  return { host: parts['six'] ?? (parts['host'] || undefined), port }
}
