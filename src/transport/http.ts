import type { Log } from '../component/context.ts'
import type { HttpClientOptions } from './http-client-options.ts'
import type { HttpClient, HttpHandler, HttpServer } from './http-exchange.ts'
import type { HttpServerOptions } from './http-server-options.ts'

// node:http, node:zlib and undici are loaded when somebody needs them.

/** Starts to listen; rejects where it cannot. What `handle` throws is answered 500 and logged as an error. */
export const startHttpServer = async (options: HttpServerOptions, handle: HttpHandler, log: Log): Promise<HttpServer> =>
  (await import('./http-server.ts')).startServer(options, handle, log)

/** For posting to `urls`. Reads certificates where one needs them, opens nothing: connections are made when they are needed. */
export const makeHttpClient = async (options: HttpClientOptions, urls: Iterable<URL>): Promise<HttpClient> =>
  (await import('./http-client.ts')).makeClient(options, [...urls])
