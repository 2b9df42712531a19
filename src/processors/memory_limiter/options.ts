import { Duration, Options, Type } from '../../plugin.ts'
import type { OptionFault, Static } from '../../plugin.ts'

export const options = Options({
  check_interval: Duration({ default: '0s', description: 'Time between two looks at the memory; required.' }),
  limit_mib: Type.Integer({ default: 0, minimum: 0, description: 'The hard limit, in MiB.' }),
  spike_limit_mib: Type.Integer({
    default: 0,
    minimum: 0,
    description: 'How far below the hard limit refusing begins, in MiB; 0 is a fifth of the limit.',
  }),
  limit_percentage: Type.Integer({
    default: 0,
    minimum: 0,
    description: 'The hard limit in percent of the memory that the process may have, where `limit_mib` is not given.',
  }),
  spike_limit_percentage: Type.Integer({ default: 0, minimum: 0, description: 'As `spike_limit_mib`, in percent.' }),
  min_gc_interval_when_soft_limited: Duration({
    default: '10s',
    description: 'Time between two forced collections above the soft limit.',
  }),
  min_gc_interval_when_hard_limited: Duration({
    default: '0s',
    description: 'Time between two forced collections above the hard limit.',
  }),
  max_gc_interval_when_soft_limited: Duration({
    default: '30s',
    description: 'How far collections that free nothing come apart above the soft limit; 0: they do not.',
  }),
  max_gc_interval_when_hard_limited: Duration({
    default: '30s',
    description: 'How far collections that free nothing come apart above the hard limit; 0: they do not.',
  }),
})
export type LimiterConfig = Static<typeof options>

export function* faults(config: LimiterConfig): Iterable<OptionFault> {
  const at = (option: keyof LimiterConfig, message: string): OptionFault => ({ path: [option], message })
  const { limit_mib, spike_limit_mib, limit_percentage, spike_limit_percentage } = config
  if (config.check_interval <= 0) yield at('check_interval', "'check_interval' must be greater than zero")
  if (config.min_gc_interval_when_soft_limited < config.min_gc_interval_when_hard_limited)
    yield at(
      'min_gc_interval_when_soft_limited',
      "'min_gc_interval_when_soft_limited' should be larger than 'min_gc_interval_when_hard_limited'",
    )
  if (limit_mib === 0 && limit_percentage === 0)
    yield { path: [], message: "'limit_mib' or 'limit_percentage' must be greater than zero" }
  for (const option of ['limit_percentage', 'spike_limit_percentage'] as const)
    if (config[option] > 100)
      yield at(
        option,
        "'limit_percentage' and 'spike_limit_percentage' must be greater than zero and less than or equal to hundred",
      )
  if (limit_mib > 0 && limit_mib <= spike_limit_mib)
    yield at('spike_limit_mib', "'spike_limit_mib' must be smaller than 'limit_mib'")
  if (limit_percentage > 0 && limit_percentage <= spike_limit_percentage)
    yield at('spike_limit_percentage', "'spike_limit_percentage' must be smaller than 'limit_percentage'")
}

/** Each process looks at its own memory, and the limit is meant for all of them. */
export const divided = (config: LimiterConfig, copies: number): LimiterConfig => ({
  ...config,
  limit_mib: config.limit_mib / copies,
  spike_limit_mib: config.spike_limit_mib / copies,
  limit_percentage: config.limit_percentage / copies,
  spike_limit_percentage: config.spike_limit_percentage / copies,
})
