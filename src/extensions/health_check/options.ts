import {
  Block,
  checkGrpcServer,
  checkHttpServer,
  Duration,
  grpcServerOptions,
  httpServerOptions,
  inspectTls,
  listens,
  Options,
  Type,
} from '../../plugin.ts'
import type { OptionFault, Static } from '../../plugin.ts'

const HTTP_ENDPOINT = 'localhost:13133'
const GRPC_ENDPOINT = 'localhost:13132'

/** Probes are few and small. */
const connections = Type.Integer({
  default: 64,
  minimum: 1,
  description: 'Connections open at the same time; further ones are closed at once.',
})

const httpServer = () => {
  const { middlewares: _, include_metadata: __, ...server } = httpServerOptions(HTTP_ENDPOINT)
  const limit = (what: string) => Duration({ default: '5s', description: `How long ${what} may take to arrive.` })
  return {
    ...server,
    max_connections: connections,
    read_timeout: limit('a whole request'),
    read_header_timeout: limit("a request's headers"),
  }
}

const grpcServer = () => {
  const { middlewares: _, include_metadata: __, request_timeout: ___, ...server } = grpcServerOptions(GRPC_ENDPOINT)
  return { ...server, max_connections: connections }
}

const page = (enabled: boolean, path: string, what: string) =>
  Block(
    {
      enabled: Type.Boolean({ default: enabled, description: 'Whether it is there.' }),
      path: Type.String({ default: path, description: 'Its path.' }),
      include_attributes: Type.Boolean({
        default: false,
        description: 'For configurations of the Collector: components of Telegen report no attributes.',
      }),
    },
    { description: what },
  )

export const options = Options({
  ...httpServer(),
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
  check_collector_pipeline: Type.Optional(
    Type.Unknown({ description: 'Given up by the Collector; refused where it is switched on.' }),
  ),
  use_v2: Type.Boolean({
    default: false,
    description: 'Whether `http` and `grpc` are meant instead of `endpoint`; writing one of them says so, too.',
  }),
  http: Type.Optional(
    Options(
      {
        ...httpServer(),
        status: page(true, '/status', 'Answers how all is, a pipeline, or with ?verbose each component.'),
        config: page(false, '/config', 'Answers the configuration that is in effect, without secrets.'),
      },
      { description: 'Answers over HTTP, in place of `endpoint` and `path`.' },
    ),
  ),
  grpc: Type.Optional(Options(grpcServer(), { description: 'Answers over gRPC, as grpc.health.v1.Health.' })),
  component_health: Type.Optional(
    Options(
      {
        include_permanent_errors: Type.Boolean({
          default: false,
          description: 'Whether a component that will not work again makes the answer bad.',
        }),
        include_recoverable_errors: Type.Boolean({
          default: false,
          description: 'Whether a component that fails makes the answer bad, once `recovery_duration` has passed.',
        }),
        recovery_duration: Duration({ default: '5m', description: 'How long a component may take to recover.' }),
      },
      { description: "What of the components' health counts for status and gRPC." },
    ),
  ),
})
export type HealthOptions = Static<typeof options>
export type ComponentHealth = NonNullable<HealthOptions['component_health']>
export type HttpOptions = NonNullable<HealthOptions['http']>
export type GrpcOptions = NonNullable<HealthOptions['grpc']>

/** Paths that always answer what their names say. */
export const LIVE = '/live'
export const READY = '/ready'
export const STATUS = '/status'

/** Whether the options of the Collector's second version are meant. */
export const isSecond = ({ use_v2, http, grpc }: HealthOptions): boolean =>
  use_v2 || http !== undefined || grpc !== undefined

type Path = OptionFault['path']

export function* faults(options: HealthOptions): Iterable<OptionFault> {
  const { http, grpc, check_collector_pipeline } = options
  if ((check_collector_pipeline as { enabled?: unknown } | null | undefined)?.enabled === true)
    yield {
      path: ['check_collector_pipeline'],
      message: '"check_collector_pipeline" is not built: `path` does not tell of failing exporters',
      hint: 'leave it out and ask /ready, which does',
    }
  if (!isSecond(options)) {
    yield* checkHttpServer({ ...options, ...UNUSED }, [])
    yield* pathFaults([{ path: ['path'], value: options.path }], [LIVE, READY, STATUS])
    return
  }
  if (!http && !grpc)
    yield { path: ['use_v2'], message: 'must specify at least one protocol', hint: 'write http or grpc' }
  if (http) {
    yield* checkHttpServer({ ...http, ...UNUSED }, ['http'])
    const pages = (['status', 'config'] as const).filter((name) => http[name].enabled)
    yield* pathFaults(
      pages.map((name) => ({ path: ['http', name, 'path'], value: http[name].path })),
      [LIVE, READY],
    )
  }
  if (grpc) yield* checkGrpcServer({ ...grpc, ...UNUSED, request_timeout: 0 }, ['grpc'])
}

/** What servers of receivers have besides. */
export const UNUSED = { middlewares: [], include_metadata: false }

function* pathFaults(paths: readonly { path: Path; value: string }[], taken: readonly string[]): Iterable<OptionFault> {
  const seen = new Set(taken)
  for (const { path, value } of paths) {
    if (!value.startsWith('/')) yield { path, message: 'path must start with /' }
    else if (seen.has(value)) yield { path, message: `"${value}" is taken: it answers something else` }
    seen.add(value)
  }
}

export function* inspect(options: HealthOptions): Iterable<OptionFault> {
  if (!isSecond(options)) yield* inspectTls(options.tls, ['tls'])
  if (options.http) yield* inspectTls(options.http.tls, ['http', 'tls'])
  if (options.grpc) yield* inspectTls(options.grpc.tls, ['grpc', 'tls'])
}

/** What it will listen at. */
export const endpointsOf = (options: HealthOptions): readonly string[] =>
  isSecond(options) ? listens(options.http, options.grpc) : listens(options)
