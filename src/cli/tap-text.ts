import { styleText } from 'node:util'

/** A line of `/tap`. */
export type TapLine =
  | { readonly tap: { readonly edges: readonly EdgeName[]; readonly note?: string } }
  | { readonly skipped: number; readonly lost: number }
  | RecordLine

interface EdgeName {
  readonly pipeline: string
  readonly from: string
  readonly to: string
}

interface RecordLine extends EdgeName {
  readonly signal: string
  readonly resource?: Json
  readonly record: Json
}

type Json = Readonly<Record<string, unknown>>

/** A record in a few words: where it passed, what it is, its attributes, and whose it is. Control characters do not reach the terminal. */
export function tapText({ pipeline, from, to, signal, resource, record }: RecordLine, colour: boolean): string {
  const style = (name: 'dim' | 'bold' | 'cyan', text: string) =>
    colour && text !== '' ? styleText(name, text, { validateStream: false }) : text
  const words = [
    style('dim', `${pipeline} ${from}→${to}`),
    style('bold', titleOf(signal, record)),
    ...pairs(record['attributes']),
    style('cyan', `{${pairs(resource?.['attributes']).join(' ')}}`),
  ]
  const points = signal === 'metrics' ? pointsOf(record).map((point) => `    ${point}`) : []
  return [words.filter((word) => word !== '').join(' '), ...points].map((line) => `${line}\n`).join('')
}

function titleOf(signal: string, record: Json): string {
  switch (signal) {
    case 'traces':
      return `${textIn(record['name'])} ${textIn(record['traceId'])} ${textIn(record['spanId'])} ${duration(record)}${failing(record)}`
    case 'logs':
      return [
        textIn(record['severityText'] ?? severityOf(record)),
        textIn(record['eventName']),
        valueText(record['body']),
      ]
        .filter((word) => word !== '')
        .join(' ')
    case 'metrics':
      return `${textIn(record['name'])}${record['unit'] ? ` [${textIn(record['unit'])}]` : ''}`
    default:
      return `profile ${textIn(record['profileId'])}, ${textIn(record['samples'])} samples`
  }
}

const NANOS_PER_MICRO = 1000n

function duration({ startTimeUnixNano: start, endTimeUnixNano: end }: Json): string {
  // Times since 1970 are beyond what a number counts exactly; what lies between the two is not.
  const micros = (BigInt(textIn(end) || 0) - BigInt(textIn(start) || 0)) / NANOS_PER_MICRO
  return `${Number(micros) / 1000} ms`
}

const ERROR = 2
const failing = ({ status }: Json): string => ((status as Json | undefined)?.['code'] === ERROR ? ' ERROR' : '')

const SEVERITIES = ['', 'TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']
/** Each name has four numbers, from 1 on. */
const severityOf = ({ severityNumber }: Json): string => SEVERITIES[Math.ceil(Number(severityNumber ?? 0) / 4)] ?? ''

function pointsOf(metric: Json): string[] {
  const kind = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'].find(
    (each) => metric[each] !== undefined,
  )
  const points = ((metric[kind ?? ''] as Json | undefined)?.['dataPoints'] ?? []) as readonly Json[]
  return points.map((point) => {
    const value = point['asInt'] ?? point['asDouble']
    const told =
      value === undefined ? `count=${textIn(point['count'] ?? 0)} sum=${textIn(point['sum'] ?? 0)}` : textIn(value)
    return [told, ...pairs(point['attributes'])].join(' ')
  })
}

const pairs = (attributes: unknown): string[] =>
  ((attributes ?? []) as readonly Json[]).map(({ key, value }) => `${textIn(key)}=${valueText(value)}`)

/** An AnyValue of OTLP/JSON. */
function valueText(value: unknown): string {
  const any = (value ?? {}) as Json
  const { arrayValue, kvlistValue } = any as { arrayValue?: Json; kvlistValue?: Json }
  if (arrayValue) return `[${((arrayValue['values'] ?? []) as readonly unknown[]).map(valueText).join(', ')}]`
  if (kvlistValue) return `{${pairs(kvlistValue['values']).join(' ')}}`
  return textIn(any['stringValue'] ?? any['boolValue'] ?? any['intValue'] ?? any['doubleValue'] ?? any['bytesValue'])
}

/** Data comes from anybody: what a terminal would obey is shown and not done. */
const textIn = (value: unknown): string =>
  (typeof value === 'string' ? value : JSON.stringify(value ?? ''))
    .replace(/^""$/, '')
    // oxlint-disable-next-line no-control-regex
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => JSON.stringify(character).slice(1, -1))
