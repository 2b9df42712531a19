/** The steps that benches run: the chain of four that the promises are about, and its parts. */
import type { RecordLevel, Step } from '../../src/data/steps/step.ts'
import type { OracleSignal } from '../../test/data/oracle.ts'

export const SIGNALS: readonly OracleSignal[] = ['traces', 'metrics', 'logs']

export const LEVELS: Readonly<Record<OracleSignal, RecordLevel>> = {
  traces: 'span',
  metrics: 'dataPoint',
  logs: 'logRecord',
}

export const insertIntoResource: Step = {
  on: 'resource',
  act: { kind: 'insert', path: { attribute: 'deployment.environment.name' }, source: { value: 'production' } },
}

export const insertInto = (on: RecordLevel): Step => ({
  on,
  act: { kind: 'insert', path: { attribute: 'app.pipeline' }, source: { value: 'default' } },
})

/** Half of the records have this method. */
export const filter = (on: RecordLevel): Step => ({
  on,
  when: { kind: 'compare', path: { attribute: 'http.request.method' }, operator: '==', value: 'GET' },
  act: { kind: 'drop' },
})

export const sample = (on: RecordLevel): Step => ({
  on,
  when: { kind: 'not', of: { kind: 'sampled', path: { field: 'trace_id' }, ratio: 0.5, seed: 22 } },
  act: { kind: 'drop' },
})

/** Points have no trace id: their chain has no sampling. */
export function chain(signal: OracleSignal): readonly Step[] {
  const level = LEVELS[signal]
  const steps = [insertIntoResource, insertInto(level), filter(level)]
  return signal === 'metrics' ? steps : [...steps, sample(level)]
}
