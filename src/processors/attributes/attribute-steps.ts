import {
  attributeEdits,
  included,
  logCondition,
  logMatchFault,
  metricCondition,
  metricMatchFault,
  spanCondition,
  spanMatchFault,
} from '../../plugin.ts'
import type { AttributeAction, Condition, RecordLevel, RecordMatch, Signal, Step } from '../../plugin.ts'

export interface AttributesConfig {
  readonly actions: readonly AttributeAction[]
  readonly include?: RecordMatch
  readonly exclude?: RecordMatch
}

interface Records {
  readonly on: RecordLevel
  readonly condition: (match: RecordMatch) => Condition
  /** Why the properties do not fit the signal: found only here, because one processor may stand in pipelines of several. */
  readonly fault: (match: RecordMatch) => string | undefined
}

const RECORDS: Partial<Record<Signal, Records>> = {
  traces: { on: 'span', condition: spanCondition, fault: spanMatchFault },
  metrics: { on: 'dataPoint', condition: metricCondition, fault: metricMatchFault },
  logs: { on: 'logRecord', condition: logCondition, fault: logMatchFault },
}

/** One step, because which records are meant is decided before the first action changes them. */
export function attributeSteps(config: AttributesConfig, signal: Signal): readonly Step[] {
  const records = RECORDS[signal]
  if (records === undefined) throw new Error(`attributes of ${signal} cannot be changed`)
  const when = included(condition(records, config.include, 'include'), condition(records, config.exclude, 'exclude'))
  return [{ on: records.on, ...(when && { when }), act: attributeEdits(config.actions) }]
}

function condition(records: Records, match: RecordMatch | undefined, name: string): Condition | undefined {
  if (match === undefined) return undefined
  const fault = records.fault(match)
  if (fault !== undefined) throw new Error(`${name}: ${fault}`)
  return records.condition(match)
}
