import type { Ports } from './station.ts'
import type { Signal } from './item-numbers.ts'
import type { Scenario } from './scenario.ts'

/** About half of what is sent is dropped, by what each signal can be filtered by in both programs. */
const FILTERS: Readonly<Record<Signal, string>> = {
  traces: 'spans: { exclude: { match_type: strict, attributes: [{ key: http.request.method, value: GET }] } }',
  metrics: String.raw`metrics: { exclude: { match_type: regexp, metric_names: ['^app\.queue\.[0-9]*[02468]\.depth$'] } }`,
  logs: 'logs: { exclude: { match_type: strict, record_attributes: [{ key: http.request.method, value: GET }] } }',
}

/** The file that Telegen and the Collector are given alike. */
export function configuration(scenario: Scenario, { input, output }: Ports): string {
  const { protocol, work, signal, gzip, batch } = scenario
  const chain = work === 'chain' ? ['resource', 'attributes', 'filter'] : []
  // Metrics are not sampled by trace id.
  if (work === 'chain' && signal !== 'metrics') chain.push('probabilistic_sampler')
  const processors = [...chain, ...(batch ? ['batch'] : [])]
  const compression = gzip ? 'gzip' : 'none'
  const queue = batch ? '{ block_on_overflow: true }' : '{ enabled: false }'
  return `
receivers:
  otlp: { protocols: { ${protocol}: { endpoint: 127.0.0.1:${input} } } }
processors:
  resource: { attributes: [{ key: deployment.environment.name, value: production, action: insert }] }
  attributes: { actions: [{ key: app.pipeline, value: default, action: insert }] }
  filter: { ${FILTERS[signal]} }
  probabilistic_sampler: { sampling_percentage: 50 }
  batch:
exporters:
  otlp_${protocol}:
    endpoint: http://127.0.0.1:${output}
    tls: { insecure: true }
    compression: ${compression}
    sending_queue: ${queue}
    retry_on_failure: { enabled: ${batch} }
service:
  telemetry: { metrics: { level: none } }
  pipelines: { ${signal}: { receivers: [otlp], processors: [${processors.join(', ')}], exporters: [otlp_${protocol}] } }
`
}
