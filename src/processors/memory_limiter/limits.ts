import { totalmem } from 'node:os'
import type { LimiterConfig } from './options.ts'

const MIB = 2 ** 20
const DEFAULT_SPIKE = 1 / 5

/** Bytes: above `soft` data is refused, above `hard` collections are forced more eagerly. */
export interface Limits {
  readonly soft: number
  readonly hard: number
}

/** `available`: bytes that the process may have. */
export function limitsOf(config: LimiterConfig, available: () => number): Limits {
  if (config.limit_mib > 0) return limits(config.limit_mib * MIB, config.spike_limit_mib * MIB)
  const percent = available() / 100
  return limits(config.limit_percentage * percent, config.spike_limit_percentage * percent)
}

function limits(hard: number, spike: number): Limits {
  return { hard, soft: hard - (spike || hard * DEFAULT_SPIKE) }
}

/** What the machine has, or what the process's cgroup (version 1 or 2) is allowed of it. */
export function availableMemory(): number {
  const allowed = process.constrainedMemory()
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem()
}
