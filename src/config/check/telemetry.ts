import { Block, ByteSize, Duration, Options, StringList, Type } from '../../component/options.ts'
import type { Static } from '../../component/options.ts'
import type { OptionFault } from '../../component/definition.ts'
import { DEFAULT_LIMITS } from '../configuration.ts'

const level = (fallback: string, description: string) => Type.String({ default: fallback, description })
const anything = (description: string) => Type.Optional(Type.Unknown({ description }))

/**
 * `service` without its pipelines and extensions. Of the Collector's `telemetry` the logs' level and encoding have effect.
 * What cannot change anything yet is accepted with its shape checked, so that a Collector's file loads; what asks for
 * something that is not built is refused by `telemetryFaults`.
 */
export const SERVICE = Options({
  limits: Block(
    {
      traces: ByteSize({ default: DEFAULT_LIMITS.traces, minimum: 2 ** 20, description: 'Spans.' }),
      metrics: ByteSize({ default: DEFAULT_LIMITS.metrics, minimum: 2 ** 20, description: 'Data points.' }),
      logs: ByteSize({ default: DEFAULT_LIMITS.logs, minimum: 2 ** 20, description: 'Log records.' }),
      profiles: ByteSize({ default: DEFAULT_LIMITS.profiles, minimum: 2 ** 20, description: 'Profiles.' }),
    },
    { description: 'How much memory the data of each signal may take, everywhere together.' },
  ),
  telemetry: Block(
    {
      logs: Block(
        {
          level: level('info', 'Messages of this level and above are printed: debug, info, warn, error.'),
          encoding: Type.String({ default: 'console', description: '`console` for people, `json` for programs.' }),
          output_paths: StringList({ default: ['stderr'], description: 'Only stderr.' }),
          error_output_paths: StringList({ default: ['stderr'], description: 'Only stderr.' }),
          development: Type.Boolean({ default: false, description: 'Without effect.' }),
          disable_caller: Type.Boolean({ default: false, description: 'Without effect: callers are never printed.' }),
          disable_stacktrace: Type.Boolean({ default: false, description: 'Without effect.' }),
          disable_zap_resource: Type.Boolean({ default: false, description: 'Without effect.' }),
          initial_fields: Type.Record(Type.String(), Type.Unknown(), { default: {}, description: 'Not built yet.' }),
          sampling: Type.Optional(
            Options(
              {
                enabled: Type.Boolean({
                  default: true,
                  description: 'Without effect: causes are told of once a minute.',
                }),
                tick: Duration({ default: '10s', description: 'Without effect.' }),
                initial: Type.Integer({ default: 10, description: 'Without effect.' }),
                thereafter: Type.Integer({ default: 100, description: 'Without effect.' }),
              },
              { description: 'Without effect.' },
            ),
          ),
          processors: anything('Sending logs of its own is not built yet.'),
        },
        { description: 'Messages of Telegen itself.' },
      ),
      metrics: Block(
        {
          level: level('normal', 'Without effect: none, basic, normal, detailed.'),
          readers: anything('Metrics of its own are not offered yet.'),
          views: anything('Metrics of its own are not offered yet.'),
          address: Type.Optional(Type.String({ description: 'Ignored, as in the Collector.' })),
        },
        { description: 'Metrics about Telegen itself.' },
      ),
      traces: Block(
        {
          level: level('none', 'Without effect: none, basic, normal, detailed.'),
          propagators: StringList({ default: [], description: 'Without effect: tracecontext, b3.' }),
          processors: anything('Traces of its own are not built yet.'),
        },
        { description: 'Traces of Telegen itself.' },
      ),
      resource: Type.Record(Type.String(), Type.Union([Type.String(), Type.Null()]), {
        default: {},
        description: 'Attributes of telemetry about Telegen itself; without effect until there is some.',
      }),
    },
    { description: 'What Telegen tells of itself.' },
  ),
})

export type Service = Static<typeof SERVICE>

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
const METRIC_LEVELS = ['none', 'basic', 'normal', 'detailed'] as const
const PROPAGATORS = ['tracecontext', 'b3']

type LogLevel = (typeof LOG_LEVELS)[number]

/** The log level in lower case: the Collector takes any. */
export const logLevel = (written: string): LogLevel | undefined =>
  LOG_LEVELS.find((each) => each === written.toLowerCase())

export function* telemetryFaults({ telemetry: { logs, metrics, traces } }: Service): Iterable<OptionFault> {
  const at = (...steps: string[]) => ['telemetry', ...steps]
  if (logLevel(logs.level) === undefined)
    yield {
      path: at('logs', 'level'),
      message: `unrecognized level: ${JSON.stringify(logs.level)}`,
      hint: `levels are ${LOG_LEVELS.join(', ')}`,
    }
  if (logs.encoding !== 'console' && logs.encoding !== 'json')
    yield {
      path: at('logs', 'encoding'),
      message: `no encoder registered for name ${JSON.stringify(logs.encoding)}`,
      hint: 'encodings are console, json',
    }
  for (const key of ['output_paths', 'error_output_paths'] as const)
    if (logs[key].some((path) => path !== 'stderr'))
      yield {
        path: at('logs', key),
        message: 'logs to anything but stderr are not built yet',
        hint: 'redirect stderr where they should go',
      }
  if (Object.keys(logs.initial_fields).length > 0)
    yield { path: at('logs', 'initial_fields'), message: 'fields on every log line are not built yet' }
  if (asks(logs.processors))
    yield { path: at('logs', 'processors'), message: 'sending logs of Telegen itself is not built yet' }
  for (const [key, block] of Object.entries({ metrics, traces }))
    if (!METRIC_LEVELS.some((each) => each === block.level.toLowerCase()))
      yield {
        path: at(key, 'level'),
        message: `unknown metrics level ${JSON.stringify(block.level)}`,
        hint: `levels are ${METRIC_LEVELS.join(', ')}`,
      }
  for (const key of ['readers', 'views'] as const)
    if (asks(metrics[key]))
      yield { path: at('metrics', key), message: `offering metrics of Telegen itself (\`${key}\`) is not built yet` }
  if (asks(traces.processors))
    yield { path: at('traces', 'processors'), message: 'sending traces of Telegen itself is not built yet' }
  for (const propagator of traces.propagators)
    if (!PROPAGATORS.includes(propagator))
      yield { path: at('traces', 'propagators'), message: 'unsupported trace propagator' }
}

/** An empty list asks for nothing. */
const asks = (value: unknown): boolean =>
  value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)
