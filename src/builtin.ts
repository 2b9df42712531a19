import { Catalog } from './component/catalog.ts'
import type { Entry } from './component/catalog.ts'
import type { Definition, Kind } from './component/definition.ts'

type Loaded = Promise<{ readonly default: unknown }>
type BuiltIn = readonly [type: string, load: () => Loaded, ...aliases: string[]]

/** Everything that comes with Telegen. A component is imported when a configuration names it. */
const BUILT_IN: Readonly<Record<Kind, readonly BuiltIn[]>> = {
  receiver: [
    ['ebpf', () => import('./receivers/ebpf/index.ts')],
    ['host_metrics', () => import('./receivers/host_metrics/index.ts'), 'hostmetrics'],
    ['nop', () => import('./receivers/nop/index.ts')],
    ['otlp', () => import('./receivers/otlp/index.ts')],
    ['telegen', () => import('./receivers/telegen/index.ts')],
    ['telemetry_generator', () => import('./receivers/telemetry_generator/index.ts'), 'otlp_generator'],
  ],
  processor: [
    ['attributes', () => import('./processors/attributes/index.ts')],
    ['batch', () => import('./processors/batch/index.ts')],
    ['filter', () => import('./processors/filter/index.ts')],
    ['memory_limiter', () => import('./processors/memory_limiter/index.ts')],
    ['probabilistic_sampler', () => import('./processors/probabilistic_sampler/index.ts'), 'sample'],
    ['resource', () => import('./processors/resource/index.ts')],
    ['resource_detection', () => import('./processors/resource_detection/index.ts'), 'resourcedetection'],
  ],
  connector: [
    ['count', () => import('./connectors/count/index.ts')],
    ['forward', () => import('./connectors/forward/index.ts')],
  ],
  exporter: [
    ['debug', () => import('./exporters/debug/index.ts')],
    ['file', () => import('./exporters/file/index.ts')],
    ['nop', () => import('./exporters/nop/index.ts')],
    ['otlp_grpc', () => import('./exporters/otlp_grpc/index.ts'), 'otlp'],
    ['otlp_http', () => import('./exporters/otlp_http/index.ts'), 'otlphttp'],
  ],
  extension: [
    ['admin', () => import('./extensions/admin/index.ts')],
    ['basicauth', () => import('./extensions/basicauth/index.ts'), 'basic_auth'],
    ['bearertokenauth', () => import('./extensions/bearertokenauth/index.ts'), 'bearer_token_auth'],
    ['file_storage', () => import('./extensions/file_storage/index.ts')],
    ['headers_setter', () => import('./extensions/headers_setter/index.ts')],
    ['health_check', () => import('./extensions/health_check/index.ts'), 'healthcheckv2'],
    ['oidc', () => import('./extensions/oidc/index.ts')],
    ['rate_limiter', () => import('./extensions/rate_limiter/index.ts')],
  ],
}

/** A catalog of the built-in components, to which plugins may be added. */
export const builtInCatalog = (): Catalog =>
  new Catalog(
    (Object.entries(BUILT_IN) as [Kind, readonly BuiltIn[]][]).flatMap(([kind, entries]) =>
      entries.map(([type, load, ...aliases]): Entry => ({
        kind,
        type,
        aliases,
        source: 'built-in',
        load: async () => (await load()).default as Definition,
      })),
    ),
  )
