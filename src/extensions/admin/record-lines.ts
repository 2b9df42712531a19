import { toObject } from '../../plugin.ts'
import type { Batch, JsonObject, Signal } from '../../plugin.ts'

/** A record with what describes it, in the shape of OTLP/JSON. */
export interface RecordLine {
  readonly resource?: unknown
  readonly scope?: unknown
  readonly record: unknown
}

const SHAPES: Readonly<Record<Signal, readonly [resources: string, scopes: string, records: string]>> = {
  traces: ['resourceSpans', 'scopeSpans', 'spans'],
  metrics: ['resourceMetrics', 'scopeMetrics', 'metrics'],
  logs: ['resourceLogs', 'scopeLogs', 'logRecords'],
  profiles: ['resourceProfiles', 'scopeProfiles', 'profiles'],
}

/** A line for each span, metric with its points, log record or profile. */
export function* recordLines(batch: Batch): Iterable<RecordLine> {
  const [resources, scopes, records] = SHAPES[batch.signal]
  for (const each of listIn(toObject(batch), resources))
    for (const scoped of listIn(each, scopes))
      for (const record of listIn(scoped, records))
        yield {
          ...(each['resource'] !== undefined && { resource: each['resource'] }),
          ...(scoped['scope'] !== undefined && { scope: scoped['scope'] }),
          record: batch.signal === 'profiles' ? outlined(record) : record,
        }
}

/** What a profile says lies in a dictionary that is far larger than itself: shown is what can be read without it. */
function outlined({ samples, ...profile }: JsonObject): JsonObject {
  return { ...profile, samples: Array.isArray(samples) ? samples.length : 0 }
}

const listIn = (object: JsonObject, key: string): readonly JsonObject[] => (object[key] ?? []) as readonly JsonObject[]
