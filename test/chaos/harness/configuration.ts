import { join } from 'node:path'
import type { Queue } from './row.ts'

/** All on loopback. */
export interface Ports {
  readonly http: number
  readonly grpc: number
  readonly sink: { readonly http: number; readonly grpc: number }
  readonly proxy: number
  readonly metrics: number
  readonly health: number
  readonly agent: { readonly http: number; readonly grpc: number; readonly metrics: number }
}

export interface Plan {
  readonly listen: { readonly http: number; readonly grpc: number; readonly metrics: number; readonly health?: number }
  /** Port of the backend, the proxy or the next Telegen. */
  readonly to: number
  readonly protocol: 'http' | 'grpc'
  readonly queue: Queue
  /** Of this Telegen. */
  readonly directory: string
}

/** OTLP to OTLP with a queue of the kind asked for; retries are quick, so that a row need not wait for them. `more` is laid over it. */
export function configuration(plan: Plan, ...more: readonly object[]): object {
  const { listen, to, protocol, queue, directory } = plan
  const exporter = `otlp_${protocol}`
  const at = (port: number) => `127.0.0.1:${port}`
  const sending = {
    compression: 'none',
    timeout: '2s',
    retry_on_failure: { initial_interval: '100ms', max_interval: '1s' },
    sending_queue: queue === 'disk' ? { storage: 'file_storage' } : {},
  }
  const common = {
    receivers: { otlp: { protocols: { grpc: { endpoint: at(listen.grpc) }, http: { endpoint: at(listen.http) } } } },
    exporters: {
      [exporter]:
        protocol === 'http'
          ? { endpoint: `http://${at(to)}`, ...sending }
          : { endpoint: at(to), tls: { insecure: true }, ...sending },
    },
    extensions: {
      ...(queue === 'disk' && { file_storage: { directory: storeOf(directory), create_directory: true } }),
      ...(listen.health && { health_check: { endpoint: at(listen.health) } }),
    },
    service: {
      extensions: [...(queue === 'disk' ? ['file_storage'] : []), ...(listen.health ? ['health_check'] : [])],
      pipelines: { traces: { receivers: ['otlp'], exporters: [exporter] } },
      telemetry: {
        metrics: { readers: [{ pull: { exporter: { prometheus: { host: '127.0.0.1', port: listen.metrics } } } }] },
      },
    },
  }
  return more.reduce((whole: object, each) => overlay(whole, each) as object, common)
}

/** Where a Telegen of this folder keeps its queue. */
export const storeOf = (directory: string): string => join(directory, 'store')

function overlay(under: unknown, over: unknown): unknown {
  if (!isObject(under) || !isObject(over)) return over
  const keys = new Set([...Object.keys(under), ...Object.keys(over)])
  return Object.fromEntries([...keys].map((key) => [key, key in over ? overlay(under[key], over[key]) : under[key]]))
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
