import { Choice, Duration, Endpoint, httpClientOptions, Options, sendingOptions, Type } from '../../plugin.ts'
import type { Static } from '../../plugin.ts'

const signalEndpoint = (signal: string) =>
  Type.Optional(
    Endpoint({ description: `URL that ${signal} are posted to, used as it is, instead of one made of \`endpoint\`.` }),
  )

export const options = Options({
  ...httpClientOptions,
  traces_endpoint: signalEndpoint('traces'),
  metrics_endpoint: signalEndpoint('metrics'),
  logs_endpoint: signalEndpoint('logs'),
  profiles_endpoint: signalEndpoint('profiles'),
  encoding: Choice(['proto', 'json'], { default: 'proto', description: 'How requests are encoded.' }),
  ...sendingOptions,
  timeout: Duration({ default: '30s', description: 'How long one attempt to send may take; 0 means for ever.' }),
})
export type OtlpHttpOptions = Static<typeof options>
