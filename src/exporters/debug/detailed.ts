import type { Signal } from '../../plugin.ts'
import { attributeLines, NESTED } from './attribute-lines.ts'
import { metricDetails } from './detailed-metrics.ts'
import { profileDetails } from './profiles.ts'
import { kindAndText, numberIn, objectIn, objectsIn, textIn, timeOf } from './text.ts'
import type { Json } from './text.ts'

/** Everything in every record, as the Collector's `verbosity: detailed` has it. `index`: which resource of the batch this is. */
export function* detailedLines(signal: Signal, request: Json, index: number): Iterable<string> {
  const { list, scopes, records, resourceName, scopeName, recordName, details } = SHAPES[signal]
  for (const each of objectsIn(request[list])) {
    const resource = objectIn(each['resource'])
    yield `${resourceName} #${index}`
    yield `Resource SchemaURL: ${textIn(each['schemaUrl'])}`
    yield* attributeLines('Resource attributes', resource['attributes'])
    yield* entityLines(resource['entityRefs'])
    for (const [number, scope] of objectsIn(each[scopes]).entries()) {
      const { name, version, attributes } = objectIn(scope['scope'])
      yield `${scopeName} #${number}`
      yield `${scopeName} SchemaURL: ${textIn(scope['schemaUrl'])}`
      yield `InstrumentationScope ${textIn(name)} ${textIn(version)}`
      yield* attributeLines('InstrumentationScope attributes', attributes)
      for (const [place, record] of objectsIn(scope[records]).entries()) {
        yield `${recordName} #${place}`
        yield* details(record)
      }
    }
  }
}

const SHAPES = {
  traces: {
    list: 'resourceSpans',
    scopes: 'scopeSpans',
    records: 'spans',
    resourceName: 'ResourceSpans',
    scopeName: 'ScopeSpans',
    recordName: 'Span',
    details: spanDetails,
  },
  metrics: {
    list: 'resourceMetrics',
    scopes: 'scopeMetrics',
    records: 'metrics',
    resourceName: 'ResourceMetrics',
    scopeName: 'ScopeMetrics',
    recordName: 'Metric',
    details: metricDetails,
  },
  logs: {
    list: 'resourceLogs',
    scopes: 'scopeLogs',
    records: 'logRecords',
    resourceName: 'ResourceLog',
    scopeName: 'ScopeLogs',
    recordName: 'LogRecord',
    details: logDetails,
  },
  profiles: {
    list: 'resourceProfiles',
    scopes: 'scopeProfiles',
    records: 'profiles',
    resourceName: 'ResourceProfiles',
    scopeName: 'ScopeProfiles',
    recordName: 'Profile',
    details: profileDetails,
  },
} as const

function* entityLines(references: unknown): Iterable<string> {
  const list = objectsIn(references)
  if (list.length > 0) yield 'Resource entity refs:'
  for (const [index, { type, schemaUrl, idKeys, descriptionKeys }] of list.entries()) {
    yield `     -> Entity ref #${index}:`
    yield `          -> Type: ${textIn(type)}`
    if (schemaUrl) yield `          -> Schema URL: ${textIn(schemaUrl)}`
    yield* keyLines('ID keys', idKeys)
    yield* keyLines('Description keys', descriptionKeys)
  }
}

function* keyLines(title: string, keys: unknown): Iterable<string> {
  const list = (keys ?? []) as readonly string[]
  if (list.length > 0) yield `          -> ${title}:`
  for (const key of list) yield `               -> ${key}`
}

const SPAN_KINDS = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer']
const STATUS_CODES = ['Unset', 'Ok', 'Error']

function* spanDetails(span: Json): Iterable<string> {
  const status = objectIn(span['status'])
  yield field('Trace ID', textIn(span['traceId']))
  yield field('Parent ID', textIn(span['parentSpanId']))
  yield field('ID', textIn(span['spanId']))
  yield field('Name', textIn(span['name']))
  yield field('Kind', SPAN_KINDS[Number(span['kind'] ?? 0)] ?? '')
  if (span['traceState']) yield field('TraceState', textIn(span['traceState']))
  yield field('Start time', timeOf(span['startTimeUnixNano']))
  yield field('End time', timeOf(span['endTimeUnixNano']))
  yield field('Status code', STATUS_CODES[Number(status['code'] ?? 0)] ?? '')
  yield field('Status message', textIn(status['message']))
  yield field('DroppedAttributesCount', numberIn(span['droppedAttributesCount']))
  yield field('DroppedEventsCount', numberIn(span['droppedEventsCount']))
  yield field('DroppedLinksCount', numberIn(span['droppedLinksCount']))
  yield* attributeLines('Attributes', span['attributes'])
  yield* eventLines(span['events'])
  yield* linkLines(span['links'])
}

const field = (name: string, value: string): string => `    ${name.padEnd(15)}: ${value}`

function* eventLines(events: unknown): Iterable<string> {
  const list = objectsIn(events)
  if (list.length > 0) yield 'Events:'
  for (const [index, event] of list.entries()) {
    yield `SpanEvent #${index}`
    yield `     -> Name: ${textIn(event['name'])}`
    yield `     -> Timestamp: ${timeOf(event['timeUnixNano'])}`
    yield `     -> DroppedAttributesCount: ${numberIn(event['droppedAttributesCount'])}`
    yield* attributeLines('     -> Attributes:', event['attributes'], NESTED)
  }
}

function* linkLines(links: unknown): Iterable<string> {
  const list = objectsIn(links)
  if (list.length > 0) yield 'Links:'
  for (const [index, link] of list.entries()) {
    yield `SpanLink #${index}`
    yield `     -> Trace ID: ${textIn(link['traceId'])}`
    yield `     -> ID: ${textIn(link['spanId'])}`
    yield `     -> TraceState: ${textIn(link['traceState'])}`
    yield `     -> DroppedAttributesCount: ${numberIn(link['droppedAttributesCount'])}`
    yield* attributeLines('     -> Attributes:', link['attributes'], NESTED)
  }
}

const SEVERITIES = ['Trace', 'Debug', 'Info', 'Warn', 'Error', 'Fatal'].flatMap((name) =>
  ['', '2', '3', '4'].map((step) => name + step),
)

function* logDetails(record: Json): Iterable<string> {
  const severity = Number(record['severityNumber'] ?? 0)
  yield `ObservedTimestamp: ${timeOf(record['observedTimeUnixNano'])}`
  yield `Timestamp: ${timeOf(record['timeUnixNano'])}`
  yield `SeverityText: ${textIn(record['severityText'])}`
  yield `SeverityNumber: ${['Unspecified', ...SEVERITIES][severity] ?? ''}(${severity})`
  if (record['eventName']) yield `EventName: ${textIn(record['eventName'])}`
  yield `Body: ${kindAndText(record['body'])}`
  yield* attributeLines('Attributes', record['attributes'])
  yield `Trace ID: ${textIn(record['traceId'])}`
  yield `Span ID: ${textIn(record['spanId'])}`
  yield `Flags: ${numberIn(record['flags'])}`
}
