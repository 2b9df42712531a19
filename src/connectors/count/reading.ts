import type { AttributesView, RecordLevel, RecordView, Signal, ViewOf } from '../../plugin.ts'
import type { Counter } from './counter.ts'
import type { Section } from './options.ts'

/** Gets a counter for each section, and the attributes of the scope and the resource around the record. */
type Read = (record: RecordView, counters: readonly Counter[], around: readonly AttributesView[]) => void

/** What is looked at of a signal: on which levels, which sections count it, and how. */
interface Reading {
  readonly levels: readonly RecordLevel[]
  readonly sections: readonly Section[]
  readonly read: Read
}

const readTraces: Read = (record, [spans, events], around) => {
  if (record.level === 'spanEvent') {
    events!.at((record as ViewOf['spanEvent']).time)
    return events!.count(record.attributes, ...around)
  }
  const { startTime, endTime } = record as ViewOf['span']
  spans!.at(startTime)
  spans!.at(endTime)
  spans!.count(record.attributes, ...around)
}

/** Metrics have no attributes to be told apart by, and no time of their own. */
const readMetrics: Read = (record, [metrics, points], around) => {
  if (record.level === 'metric') return metrics!.count()
  points!.at((record as ViewOf['dataPoint']).time)
  points!.count(record.attributes, ...around)
}

const readLogs: Read = (record, [logs], around) => {
  logs!.at((record as ViewOf['logRecord']).time)
  logs!.count(record.attributes, ...around)
}

const readProfiles: Read = (record, [profiles], around) => {
  profiles!.at((record as ViewOf['profile']).time)
  profiles!.count(record.attributes, ...around)
}

export const READ: Readonly<Record<Signal, Reading>> = {
  traces: { levels: ['span', 'spanEvent'], sections: ['spans', 'spanevents'], read: readTraces },
  metrics: { levels: ['metric', 'dataPoint'], sections: ['metrics', 'datapoints'], read: readMetrics },
  logs: { levels: ['logRecord'], sections: ['logs'], read: readLogs },
  profiles: { levels: ['profile'], sections: ['profiles'], read: readProfiles },
}
