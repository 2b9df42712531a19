import { hashThreshold, thresholdOf } from '../../plugin.ts'
import type { BoundCounter, ProcessorContext, Sampling, SamplingMode, Step } from '../../plugin.ts'
import type { SamplerConfig } from './options.ts'

export function samplingSteps(context: ProcessorContext<SamplerConfig>): Step[] {
  const { config, signal } = context
  const { sampling_precision: precision, from_attribute, sampling_priority } = config
  const sampling: Sampling = {
    mode: modeOf(config),
    failClosed: config.fail_closed,
    seed: config.hash_seed,
    byTraceId: config.attribute_source === 'traceID',
    ...(from_attribute !== '' && { attribute: from_attribute }),
    ...(sampling_priority !== '' && { priority: { attribute: sampling_priority, precision } }),
    counted: counting(context),
  }
  return [{ on: signal === 'traces' ? 'span' : 'logRecord', act: { kind: 'sample', sampling } }]
}

/** The Collector keeps the percentage in 32 bits, and counts on in 64. */
function modeOf({ mode, sampling_percentage, sampling_precision }: SamplerConfig): SamplingMode {
  const percentage = Math.min(Math.fround(sampling_percentage), 100)
  const ratio = percentage / 100
  const never: SamplingMode = { kind: 'never' }
  if (percentage === 0) return never
  if (mode === 'proportional') return { kind: 'proportional', ratio, precision: sampling_precision }
  const threshold = mode === 'hash_seed' ? hashThreshold(percentage) : thresholdOf(ratio, sampling_precision)
  return threshold === undefined ? never : { kind: mode, threshold }
}

function counting({ meter, signal }: ProcessorContext<SamplerConfig>): Sampling['counted'] {
  const name = `otelcol_processor_probabilistic_sampler_count_${signal}_sampled`
  const options = { unit: '1', description: `Count of ${signal} that were sampled or not` }
  const counter = meter.counter(name, options)
  const made = { true: new Map<string, BoundCounter>(), false: new Map<string, BoundCounter>() }
  const countingOf = (policy: string, sampled: 'true' | 'false') => {
    let count = made[sampled].get(policy)
    if (count === undefined) {
      count = counter.bound({ policy, sampled })
      made[sampled].set(policy, count)
    }
    return count
  }
  return (policy, kept, dropped) => {
    if (kept > 0) countingOf(policy, 'true').add(kept)
    if (dropped > 0) countingOf(policy, 'false').add(dropped)
  }
}
