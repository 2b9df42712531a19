import { checkHttpClient, checkUrl, defineExporter, inspectTls } from '../../plugin.ts'
import { options } from './options.ts'
import { otlpHttp } from './otlp-http.ts'

const ENDPOINTS = ['traces_endpoint', 'metrics_endpoint', 'logs_endpoint', 'profiles_endpoint'] as const

export default defineExporter({
  type: 'otlp_http',
  aliases: ['otlphttp'],
  summary: 'Sends OTLP over HTTP.',
  stability: { traces: 'beta', metrics: 'beta', logs: 'beta', profiles: 'development' },
  scale: 'replica',
  config: options,
  *check(config) {
    yield* checkHttpClient(config)
    for (const key of ENDPOINTS) if (config[key]) yield* checkUrl(config[key], [key])
    if (!config.endpoint && ENDPOINTS.every((key) => !config[key]))
      yield { path: [], message: 'at least one endpoint must be specified', hint: 'add `endpoint: https://host:4318`' }
  },
  inspect: ({ tls }) => inspectTls(tls, ['tls']),
  forwards: true,
  create: otlpHttp,
})
