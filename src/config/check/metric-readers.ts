import type { OptionFault } from '../../component/definition.ts'
import { Endpoint, Headers, Options, Port, StringList, Type } from '../../component/options.ts'
import type { Static } from '../../component/options.ts'
import { COMPRESSIONS, PROTOCOLS, TEMPORALITIES } from '../telemetry.ts'
import type { MetricReader, OtlpMetricExporter } from '../telemetry.ts'

const flag = (description: string) => Type.Boolean({ default: true, description })
const text = (description: string) => Type.Optional(Type.String({ description }))
const milliseconds = (description: string, fallback: number) =>
  Type.Integer({ minimum: 0, default: fallback, description })

const PROMETHEUS = Options(
  {
    host: text('Where to listen: an address, or a name.'),
    port: Type.Optional(Port({ description: 'The port; 0 means any free one.' })),
    without_scope_info: flag('Whether series go without labels of what measured them.'),
    without_units: flag('With `without_type_suffix`: whether names go without their unit.'),
    without_type_suffix: flag('With `without_units`: whether counters go without `_total`.'),
    with_resource_constant_labels: Type.Optional(
      Options(
        {
          included: StringList({ default: [], description: 'These alone; all where there is none.' }),
          excluded: StringList({ default: [], description: 'Never these.' }),
        },
        { description: 'Attributes of the resource that stand on every series.' },
      ),
    ),
  },
  { description: 'Offers the metrics to Prometheus, at `/metrics`.' },
)

const OTLP = Options(
  {
    protocol: text('grpc, http/protobuf or http/json.'),
    endpoint: Type.Optional(
      Endpoint({ description: '`http://host:port`, or https; a path stands for `/v1/metrics`.' }),
    ),
    insecure: Type.Optional(Type.Boolean({ description: 'Whether an endpoint without a scheme means http.' })),
    headers: Headers({ description: 'Headers of every request.' }),
    compression: text('gzip or none; none where nothing is written.'),
    timeout: Type.Optional(Type.Integer({ minimum: 0, description: 'Milliseconds for one request.' })),
    certificate: text("File with the certificates that the other side's must be signed by."),
    client_key: text('File with the key to show who this is.'),
    client_certificate: text('File with the certificate to show who this is.'),
    temporality_preference: text('cumulative (where nothing is written), delta or lowmemory.'),
  },
  { description: 'Sends the metrics as OTLP.' },
)

const READER = Options({
  pull: Type.Optional(
    Options(
      { exporter: Options({ prometheus: Type.Optional(PROMETHEUS) }, { description: 'Who may read.' }) },
      { description: 'Metrics are read by others.' },
    ),
  ),
  periodic: Type.Optional(
    Options(
      {
        interval: milliseconds('Milliseconds from one time to the next.', 60_000),
        timeout: milliseconds('Milliseconds that one time may take.', 30_000),
        exporter: Options(
          {
            otlp: Type.Optional(OTLP),
            console: Type.Optional(Options({}, { description: 'Prints the metrics, as JSON, to standard output.' })),
          },
          { description: 'Where to.' },
        ),
      },
      { description: 'Metrics are sent every so often.' },
    ),
  ),
})

type Written = Static<typeof READER>

export const READERS = Type.Optional(
  Type.Unsafe<Written[]>(
    Type.Array(READER, {
      description: 'How the metrics leave; one Prometheus endpoint at localhost:8888 where nothing is written.',
    }),
  ),
)

type WrittenOtlp = Static<typeof OTLP>

/** Where nobody writes any. */
export const DEFAULT_READERS: readonly MetricReader[] = [
  {
    kind: 'prometheus',
    host: 'localhost',
    port: 8888,
    written: false,
    scopeInfo: false,
    suffixes: false,
    resourceLabels: undefined,
  },
]

/** What no schema says, in the words of the Collector's library. */
export function* readerFaults(readers: readonly Written[]): Iterable<OptionFault> {
  for (const [index, reader] of readers.entries())
    for (const { path, ...fault } of faultsOf(reader)) yield { ...fault, path: [index, ...path] }
}

function* faultsOf({ pull, periodic }: Written): Iterable<OptionFault> {
  if (pull && periodic) return yield { path: [], message: 'must not specify multiple metric reader type' }
  if (!pull && !periodic)
    return yield { path: [], message: 'no valid metric reader', hint: 'readers are pull, periodic' }
  if (pull) return yield* pullFaults(pull)
  if (periodic) yield* periodicFaults(periodic)
}

function* pullFaults({ exporter: { prometheus } }: NonNullable<Written['pull']>): Iterable<OptionFault> {
  const path = ['pull', 'exporter']
  if (!prometheus)
    return yield { path, message: 'no valid metric exporter', hint: 'the exporter of pull is prometheus' }
  const at = [...path, 'prometheus']
  if (!prometheus.host) yield { path: at, message: 'host must be specified' }
  if (prometheus.port === undefined) yield { path: at, message: 'port must be specified' }
  const { included = [], excluded = [] } = prometheus.with_resource_constant_labels ?? {}
  for (const both of excluded.filter((key) => included.includes(key)))
    yield {
      path: [...at, 'with_resource_constant_labels'],
      message: `attribute cannot be in both include and exclude list: ${both}`,
    }
}

function* periodicFaults({ exporter, interval }: NonNullable<Written['periodic']>): Iterable<OptionFault> {
  const path = ['periodic', 'exporter']
  if (interval === 0) yield { path: ['periodic', 'interval'], message: 'must be greater than zero' }
  const { otlp, console: prints } = exporter
  if (otlp && prints) return yield { path, message: 'must not specify multiple exporters' }
  if (!otlp && !prints)
    return yield { path, message: 'no valid metric exporter', hint: 'the exporters of periodic are otlp, console' }
  if (otlp)
    for (const { path: steps, ...fault } of otlpFaults(otlp)) yield { ...fault, path: [...path, 'otlp', ...steps] }
}

function* otlpFaults(otlp: WrittenOtlp): Iterable<OptionFault> {
  const { protocol, endpoint, compression, temporality_preference: temporality } = otlp
  if (protocol === undefined)
    yield { path: [], message: 'no valid metric exporter', hint: `write \`protocol\`: ${PROTOCOLS.join(', ')}` }
  else yield* unsupported('protocol', 'protocol', protocol, PROTOCOLS)
  if (!endpoint)
    yield { path: [], message: 'endpoint must be specified', hint: 'write `endpoint: http://localhost:4318`' }
  else if (!URL.canParse(withScheme(otlp)))
    yield { path: ['endpoint'], message: `invalid endpoint: ${JSON.stringify(endpoint)}` }
  if (compression !== undefined) yield* unsupported('compression', 'compression', compression, COMPRESSIONS)
  if (temporality !== undefined)
    yield* unsupported('temporality_preference', 'temporality preference', temporality, TEMPORALITIES)
  if ((otlp.client_key === undefined) !== (otlp.client_certificate === undefined))
    yield { path: [], message: 'client_key and client_certificate must be specified together' }
}

function* unsupported(key: string, what: string, value: string, known: readonly string[]): Iterable<OptionFault> {
  if (!known.includes(value))
    yield {
      path: [key],
      message: `unsupported ${what} ${JSON.stringify(value)}`,
      hint: `there are ${known.join(', ')}`,
    }
}

/** A reader in which nothing is wrong. */
export function metricReader({ pull, periodic }: Written): MetricReader {
  const { prometheus } = pull?.exporter ?? {}
  if (prometheus)
    return {
      kind: 'prometheus',
      host: (prometheus.host ?? '').replace(/^\[(.*)\]$/, '$1'),
      port: prometheus.port ?? 0,
      written: true,
      scopeInfo: !prometheus.without_scope_info,
      // As in the Collector, the two go together.
      suffixes: !(prometheus.without_units && prometheus.without_type_suffix),
      resourceLabels: prometheus.with_resource_constant_labels,
    }
  const { interval, timeout, exporter } = periodic as NonNullable<Written['periodic']>
  const limit = Math.min(timeout || Infinity, exporter.otlp?.timeout || Infinity)
  return {
    kind: 'periodic',
    interval,
    timeout: Number.isFinite(limit) ? limit : interval,
    exporter: exporter.otlp ? otlpExporter(exporter.otlp) : { kind: 'console' },
  }
}

const otlpExporter = (otlp: WrittenOtlp): OtlpMetricExporter => ({
  kind: 'otlp',
  protocol: otlp.protocol as OtlpMetricExporter['protocol'],
  endpoint: withScheme(otlp),
  insecure: withScheme(otlp).startsWith('http://'),
  headers: otlp.headers,
  compression: (otlp.compression ?? 'none') as OtlpMetricExporter['compression'],
  certificate: otlp.certificate,
  clientKey: otlp.client_key,
  clientCertificate: otlp.client_certificate,
  temporality: (otlp.temporality_preference ?? 'cumulative') as OtlpMetricExporter['temporality'],
})

const withScheme = ({ endpoint = '', insecure = false }: WrittenOtlp): string =>
  /^https?:\/\//.test(endpoint) ? endpoint : `${insecure ? 'http' : 'https'}://${endpoint}`
