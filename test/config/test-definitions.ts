import {
  Block,
  ByteSize,
  Choice,
  ComponentId,
  defineConnector,
  defineExporter,
  defineExtension,
  defineProcessor,
  defineReceiver,
  Duration,
  Endpoint,
  Headers,
  Options,
  Port,
  SecretString,
  sendingOptions,
  StringList,
  Type,
} from '../../src/plugin.ts'
import type { Definition, OptionFault } from '../../src/plugin.ts'

const never = (): never => {
  throw new Error('checking a configuration creates nothing')
}

const tls = Type.Optional(
  Options({ insecure: Type.Boolean({ default: false, description: 'Plain text.' }) }, { description: 'TLS.' }),
)

export const network = defineReceiver({
  type: 'network',
  aliases: ['net_work_old', 'oldnet'],
  summary: 'Listens.',
  stability: { traces: 'alpha', metrics: 'alpha', logs: 'alpha', profiles: 'alpha' },
  config: Options({
    protocols: Options(
      {
        grpc: Type.Optional(
          Options(
            { endpoint: Endpoint({ default: 'localhost:4317', description: 'Where.' }), tls },
            { description: 'gRPC.' },
          ),
        ),
        http: Type.Optional(
          Options(
            { endpoint: Endpoint({ default: 'localhost:4318', description: 'Where.' }), tls },
            { description: 'HTTP.' },
          ),
        ),
      },
      { description: 'At least one.' },
    ),
  }),
  *check({ protocols }): Iterable<OptionFault> {
    if (!protocols.grpc && !protocols.http)
      yield { path: [], message: 'must specify at least one protocol when using the OTLP receiver' }
  },
  listens: ({ protocols }) =>
    [protocols.grpc, protocols.http].flatMap((server) => (server ? [`tcp://${server.endpoint}`] : [])),
  create: never,
})

export const tracesOnly = defineReceiver({
  type: 'traces_only',
  summary: 'Takes spans only.',
  stability: { traces: 'alpha' },
  config: Options({}),
  create: never,
})

export const everything = defineProcessor({
  type: 'everything',
  summary: 'Has an option of every kind.',
  stability: { traces: 'alpha', metrics: 'alpha', logs: 'alpha' },
  config: Options({
    integer: Type.Integer({ default: 5, minimum: 1, maximum: 10, description: 'A whole number.' }),
    number: Type.Number({ default: 0.5, description: 'A number.' }),
    flag: Type.Boolean({ default: false, description: 'Yes or no.' }),
    text: Type.String({ default: 'none', description: 'Text.' }),
    wait: Duration({ default: '200ms', description: 'How long.' }),
    size: ByteSize({ default: '1KiB', description: 'How much.' }),
    password: Type.Optional(SecretString({ description: 'Hidden.' })),
    headers: Headers({ description: 'Names and values.' }),
    list: StringList({ default: ['a'], description: 'Words.' }),
    port: Type.Optional(Port({ description: 'A port.' })),
    choice: Choice(['basic', 'normal', 'detailed'], { default: 'basic', description: 'One word.' }),
    block: Type.Optional(
      Options({ inner: Type.Integer({ default: 1, description: 'Inside.' }) }, { description: 'Off.' }),
    ),
    always: Block({ inner: Type.Integer({ default: 1, description: 'Inside.' }) }, { description: 'On.' }),
    named: Type.Optional(Type.Record(Type.String(), Type.Integer(), { description: 'Numbers by name.' })),
    either: Type.Optional(Type.Union([Type.Integer(), Type.String()], { description: 'A number or text.' })),
    any: Type.Optional(Type.Unknown({ description: 'Anything.' })),
    authenticator: Type.Optional(ComponentId({ of: 'extension', description: 'Who vouches.' })),
    rows: Type.Optional(
      Type.Array(Options({ key: Type.String({ description: 'Needed.' }) }), { description: 'Rows.' }),
    ),
  }),
  *check({ text }): Iterable<OptionFault> {
    if (text.startsWith('bad')) yield { path: ['text'], message: `text "${text}" is bad`, hint: 'say something good' }
    if (text.startsWith('tail ')) yield { path: ['text'], message: `there is "${text.slice(5)}" behind` }
    if (text.startsWith('worse')) yield { path: ['text'], message: `text is ${text} at ${text.length} letters` }
  },
  create: never,
})

export const plain = defineProcessor({
  type: 'plain',
  summary: 'Has no options.',
  stability: { traces: 'alpha', metrics: 'alpha', logs: 'alpha', profiles: 'alpha' },
  config: Options({}),
  create: never,
})

export const sender = defineExporter({
  type: 'sender',
  aliases: ['send'],
  summary: 'Sends.',
  stability: { traces: 'alpha', metrics: 'alpha', profiles: 'alpha' },
  config: Options({ ...sendingOptions, endpoint: Endpoint({ default: 'localhost:1', description: 'Where.' }) }),
  create: never,
})

export const sink = defineExporter({
  type: 'sink',
  summary: 'Takes all.',
  stability: { traces: 'alpha', metrics: 'alpha', logs: 'alpha', profiles: 'alpha' },
  config: Options({}),
  create: never,
})

export const pass = defineConnector({
  type: 'pass',
  summary: 'Joins pipelines of one signal.',
  stability: (['traces', 'metrics', 'logs', 'profiles'] as const).map((signal) => ({
    from: signal,
    to: signal,
    level: 'alpha' as const,
  })),
  config: Options({}),
  create: never,
})

export const counting = defineConnector({
  type: 'counting',
  summary: 'Counts spans.',
  stability: [{ from: 'traces', to: 'metrics', level: 'alpha' }],
  config: Options({}),
  create: never,
})

export const rival = defineConnector({
  type: 'traces_only',
  summary: 'Has the name of a receiver type.',
  stability: [{ from: 'traces', to: 'traces', level: 'alpha' }],
  config: Options({}),
  create: never,
})

export const login = defineExtension({
  type: 'login',
  summary: 'Vouches.',
  stability: { extension: 'alpha' },
  config: Options({ port: Type.Optional(Port({ description: 'Where it listens.' })) }),
  listens: ({ port }) => (port === undefined ? [] : [`tcp://0.0.0.0:${port}`]),
  create: never,
})

export const TEST_DEFINITIONS: readonly Definition[] = [
  network,
  tracesOnly,
  everything,
  plain,
  sender,
  sink,
  pass,
  counting,
  rival,
  login,
]
