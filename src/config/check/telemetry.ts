import { METRIC_LEVELS } from '../../component/meter.ts'
import type { MetricLevel } from '../../component/meter.ts'
import { Block, ByteSize, Duration, Options, StringList, Type } from '../../component/options.ts'
import type { Static } from '../../component/options.ts'
import type { OptionFault } from '../../component/definition.ts'
import { DEFAULT_LIMITS, MOST_WORKERS } from '../configuration.ts'
import { readerFaults, READERS } from './metric-readers.ts'

interface WrittenResource {
  readonly attributes?: readonly { readonly name: string; readonly value: string | number | boolean }[]
  readonly attributes_list?: unknown
  readonly schema_url?: string
  readonly [attribute: string]: unknown
}

const RESOURCE = {
  attributes: Type.Optional(
    Type.Array(
      Options({
        name: Type.String({ description: 'The name.' }),
        value: Type.Union([Type.String(), Type.Number(), Type.Boolean()], { description: 'The value.' }),
      }),
      { description: 'Attributes as a list, instead of as keys.' },
    ),
  ),
  attributes_list: Type.Optional(Type.Unknown({ description: 'Refused, as in the Collector.' })),
  schema_url: Type.Optional(Type.String({ description: 'Without effect.' })),
}

const level = (fallback: string, description: string) => Type.String({ default: fallback, description })
const anything = (description: string) => Type.Optional(Type.Unknown({ description }))

/**
 * `service` without its pipelines and extensions. What cannot change anything yet is accepted with its shape checked, so that a Collector's file loads; what asks for
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
  workers: Type.Union([Type.Integer({ minimum: 1, maximum: MOST_WORKERS }), Type.String()], {
    default: 1,
    description:
      'How many processes run the pipelines that can be copied, the first included: a number, or `auto` for as many as there are cores.',
  }),
  telemetry: Block(
    {
      logs: Block(
        {
          level: level('info', 'Messages of this level and above are printed: debug, info, warn, error.'),
          encoding: Type.String({ default: 'console', description: '`console` for people, `json` for programs.' }),
          output_paths: StringList({
            default: ['stderr'],
            description: 'Where messages go: stderr, stdout, and files to append to.',
          }),
          error_output_paths: StringList({ default: ['stderr'], description: 'Only stderr.' }),
          development: Type.Boolean({ default: false, description: 'Without effect.' }),
          disable_caller: Type.Boolean({ default: false, description: 'Without effect: callers are never printed.' }),
          disable_stacktrace: Type.Boolean({ default: false, description: 'Without effect.' }),
          disable_zap_resource: Type.Boolean({
            default: false,
            description: 'Whether lines in JSON go without the attributes of the resource.',
          }),
          initial_fields: Type.Record(Type.String(), Type.Unknown(), {
            default: {},
            description: 'Fields of every line.',
          }),
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
          level: level('normal', 'How much is measured and told: none, basic, normal, detailed.'),
          readers: READERS,
          views: anything('Not built yet.'),
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
      resource: Type.Unsafe<WrittenResource>(
        Type.Object(RESOURCE, {
          additionalProperties: Type.Union([Type.String(), Type.Null()]),
          default: {},
          description: 'Attributes of what Telegen tells of itself; null takes one away that it would give itself.',
        }),
      ),
    },
    { description: 'What Telegen tells of itself.' },
  ),
})

export type Service = Static<typeof SERVICE>

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
const PROPAGATORS = ['tracecontext', 'b3']

type LogLevel = (typeof LOG_LEVELS)[number]

/** The log level in lower case: the Collector takes any. */
export const logLevel = (written: string): LogLevel | undefined =>
  LOG_LEVELS.find((each) => each === written.toLowerCase())

/** The metric level in lower case. */
export const metricLevel = (written: string): MetricLevel | undefined =>
  METRIC_LEVELS.find((each) => each === written.toLowerCase())

/** What an output path names: a file may be written as a URL. Undefined where it names nothing that can be written to. */
export function outputPath(written: string): string | undefined {
  const path = written.startsWith('file://') ? written.slice('file://'.length).replace(/^localhost(?=\/)/, '') : written
  if (path === '' || (path !== written && !path.startsWith('/')) || /^[a-z][a-z0-9+.-]+:/i.test(path)) return undefined
  return path
}

/** The resource's attributes, however they are written. */
export function resourceAttributes({ telemetry: { resource } }: Service): Record<string, string | null> {
  const { attributes = [], attributes_list: _, schema_url: __, ...free } = resource
  const listed = attributes.map(({ name, value }) => [name, String(value)] as const)
  return { ...(free as Record<string, string | null>), ...Object.fromEntries(listed) }
}

export function* telemetryFaults({
  workers,
  telemetry: { logs, metrics, traces, resource },
}: Service): Iterable<OptionFault> {
  if (typeof workers === 'string' && workers !== 'auto')
    yield {
      path: ['workers'],
      message: `workers is a number from 1 to ${MOST_WORKERS}, or auto, not ${JSON.stringify(workers)}`,
      hint: 'auto: as many as there are cores',
    }
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
  for (const path of logs.output_paths)
    if (outputPath(path) === undefined)
      yield {
        path: at('logs', 'output_paths'),
        message: `no sink found for ${JSON.stringify(path)}`,
        hint: 'write stderr, stdout, or the path of a file',
      }
  if (logs.error_output_paths.some((path) => path !== 'stderr'))
    yield {
      path: at('logs', 'error_output_paths'),
      message: 'errors of the log itself go to stderr alone',
      hint: 'leave it out; `output_paths` says where messages go',
    }
  if (asks(logs.processors))
    yield { path: at('logs', 'processors'), message: 'sending logs of Telegen itself is not built yet' }
  for (const [key, block] of Object.entries({ metrics, traces }))
    if (!METRIC_LEVELS.some((each) => each === block.level.toLowerCase()))
      yield {
        path: at(key, 'level'),
        message: `unknown metrics level ${JSON.stringify(block.level)}`,
        hint: `levels are ${METRIC_LEVELS.join(', ')}`,
      }
  for (const { path, ...fault } of readerFaults(metrics.readers ?? []))
    yield { ...fault, path: [...at('metrics', 'readers'), ...path] }
  if (asks(metrics.views)) yield { path: at('metrics', 'views'), message: viewsMessage(metrics.level) }
  const { attributes = [], attributes_list: list, schema_url: _, ...free } = resource
  if (list !== undefined)
    yield {
      path: at('resource', 'attributes_list'),
      message: 'resource::attributes_list is not currently supported, please use resource::attributes',
    }
  if (attributes.length > 0 && Object.keys(free).length > 0)
    yield {
      path: at('resource', 'attributes'),
      message: 'resource::attributes cannot be used together with legacy inline resource attributes',
    }
  if (asks(traces.processors))
    yield { path: at('traces', 'processors'), message: 'sending traces of Telegen itself is not built yet' }
  for (const propagator of traces.propagators)
    if (!PROPAGATORS.includes(propagator))
      yield { path: at('traces', 'propagators'), message: 'unsupported trace propagator' }
}

const viewsMessage = (level: string): string =>
  metricLevel(level) === 'detailed'
    ? 'views of metrics are not built yet'
    : 'service::telemetry::metrics::views can only be set when service::telemetry::metrics::level is detailed'

/** An empty list asks for nothing. */
const asks = (value: unknown): boolean =>
  value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)
