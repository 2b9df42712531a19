import {
  Block,
  ByteSize,
  Choice,
  type OptionFault,
  Options,
  type Static,
  StringList,
  Type,
} from '../../../../plugin.ts'

/** Bytes of a head that the kernel's side can capture (`PAYLOAD_BYTES_MAX` of `bpf/socket/event.h`). */
const HEAD_BYTES_MOST = 4096
const HEAD_BYTES_LEAST = 64

/** Options of `tracers::http`. */
export const httpOptions = Options(
  {
    server: Type.Boolean({
      default: true,
      description: 'Spans and metrics of requests that processes of this host answer.',
    }),
    client: Type.Boolean({
      default: true,
      description: 'Spans and metrics of requests that processes of this host make.',
    }),
    head_bytes: ByteSize({
      default: '1KiB',
      minimum: HEAD_BYTES_LEAST,
      description:
        'Bytes of the beginning of each message that are looked at, 4 KiB at most. What does not fit is counted.',
    }),
    connections: Type.Integer({
      default: 65536,
      minimum: 64,
      maximum: 4194304,
      description: 'Connections known at a time; beyond, those that were quiet for long are forgotten, counted.',
    }),
    path: Choice(['none', 'template', 'full'], {
      default: 'template',
      description:
        'What is told of the path: nothing, its route with placeholders (`http.route`, `url.template`), or the path itself as well (`url.path`).',
    }),
    routes: StringList({
      default: [],
      description: 'Routes of your own, `/users/{id}` or `/files/*`: the first that fits is taken, before any guess.',
    }),
    route_variants: Type.Integer({
      default: 64,
      minimum: 1,
      maximum: 4096,
      description: 'So many different names in one place of paths; with more it becomes `{id}`.',
    }),
    query: Type.Boolean({
      default: false,
      description: 'With `path: full`, the query too: its names, and the values of `query_values` alone.',
    }),
    query_values: StringList({
      default: [],
      description: 'Parameters of the query whose values are told; all others are `REDACTED`.',
    }),
    user_agent: Type.Boolean({ default: false, description: 'Tell `user_agent.original`.' }),
    headers: Block(
      {
        request: StringList({ default: [], description: 'Headers of requests that become attributes.' }),
        response: StringList({ default: [], description: 'Headers of responses that become attributes.' }),
        redact: StringList({
          default: ['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-api-key', 'x-auth-token'],
          description: 'Headers whose values are never told: `REDACTED` stands in their place.',
        }),
      },
      { description: 'Headers to tell, where they were captured.' },
    ),
    sampling: Block(
      {
        ratio: Type.Number({
          default: 1,
          minimum: 0,
          maximum: 1,
          description: 'Share of traces that are kept, the same on every host. Metrics count all.',
        }),
        parent: Type.Boolean({
          default: true,
          description: 'Keep what `traceparent` says is sampled, and nothing that it says is not.',
        }),
      },
      { description: 'Which spans are kept.' },
    ),
  },
  { description: 'HTTP/1 requests, seen where the kernel moves the data of sockets.' },
)
export type HttpTracerOptions = Static<typeof httpOptions>

/** What no schema can say. */
export function* checkHttp(options: HttpTracerOptions): Iterable<OptionFault> {
  if (options.head_bytes > HEAD_BYTES_MOST)
    yield { path: ['head_bytes'], message: `must be at most ${HEAD_BYTES_MOST} bytes` }
  for (const [index, route] of options.routes.entries()) {
    if (!route.startsWith('/')) yield { path: ['routes', index], message: 'a route must begin with "/"' }
    if (/\*(?!$)|[^/]\*$/.test(route))
      yield { path: ['routes', index], message: '"*" stands for the rest of a path: it must be the last segment' }
  }
}
