import type { HttpClientOptions } from './http-client-options.ts'
import type { HttpClient, HttpServer, HttpServing } from './http-exchange.ts'
import type { ClientSurroundings } from './unary.ts'
import type { HttpServerOptions } from './http-server-options.ts'

/** What a component that serves by itself needs for `tls`, loaded where it is configured. */
export const loadTls = () => import('./tls-server.ts')

// node:http, node:zlib and undici are loaded when somebody needs them.

/** Starts to listen; rejects where it cannot. */
export const startHttpServer = async (options: HttpServerOptions, serving: HttpServing): Promise<HttpServer> =>
  (await import('./http-server.ts')).startServer(options, serving)

/**
 * For posting to `urls`. Reads certificates where one needs them, opens nothing: connections are made when they are needed.
 */
export const makeHttpClient = async (
  options: HttpClientOptions,
  urls: Iterable<URL>,
  surroundings: ClientSurroundings = {},
): Promise<HttpClient> => (await import('./http-client.ts')).makeClient(options, [...urls], surroundings)
