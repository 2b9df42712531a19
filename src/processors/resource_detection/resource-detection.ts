import type { Processor, ProcessorContext, Step, Value } from '../../plugin.ts'
import { Detection } from './detection.ts'
import type { Detector } from './detector.ts'
import type { ResourceDetectionConfig } from './options.ts'

/**
 * Detects when it starts, and then sets what it found on every resource. What is final stands in the steps as data; what may
 * yet change, because something failed or is to be refreshed, is looked up by a hook.
 */
export function resourceDetection(
  context: ProcessorContext<ResourceDetectionConfig>,
  detectors: readonly Detector[],
): Processor {
  const { clock, config, log, status } = context
  const detection = new Detection(detectors, clock, config.timeout)
  const stop = new AbortController()
  let attributes: ReadonlyMap<string, Value> = new Map()
  let isFinal = false

  /** Says whether all detectors answered. */
  const detect = async (): Promise<boolean> => {
    const round = await detection.round(stop.signal)
    if (stop.signal.aborted) return false
    attributes = allowed(round.attributes, config.attributes)
    log.debug({ attributes: Object.fromEntries(attributes), missing: round.missing }, 'Detected the resource')
    if (round.failures.length === 0) status.ok()
    else status.recoverable(`resource detection failed: ${round.failures.join('; ')}`)
    return round.failures.length === 0
  }

  const keepTrying = async (): Promise<void> => {
    const { initial_interval, multiplier, max_interval, max_elapsed_time, randomization_factor } = config.retry
    const begin = clock.monotonic()
    for (let wait = initial_interval; ; wait = Math.min(wait * multiplier, max_interval)) {
      const stray = 1 + randomization_factor * (2 * Math.random() - 1)
      await clock.sleep(Math.max(wait, 1) * stray, stop.signal)
      if (max_elapsed_time > 0 && clock.monotonic() - begin > max_elapsed_time) return
      if (await detect()) return
    }
  }

  const keepRefreshing = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(config.refresh_interval, stop.signal)
      await detect()
    }
  }

  const inBackground = (work: () => Promise<void>): void => {
    work().catch((error: unknown) => {
      if (!stop.signal.aborted) log.error({ error }, 'Resource detection has ended: attributes stay as they are')
    })
  }

  return {
    async start() {
      const isComplete = await detect()
      isFinal = config.refresh_interval === 0 && (isComplete || !config.retry.enabled)
      if (config.refresh_interval > 0) inBackground(keepRefreshing)
      else if (!isFinal) inBackground(keepTrying)
    },
    async stop() {
      stop.abort(new Error('stopped'))
    },
    steps: () => (isFinal ? settingSteps(attributes, config.override) : [lookingUp(() => attributes, config.override)]),
  }
}

function allowed(
  attributes: ReadonlyMap<string, Value>,
  list: readonly string[] | undefined,
): ReadonlyMap<string, Value> {
  if (list === undefined || list.length === 0) return attributes
  return new Map([...attributes].filter(([name]) => list.includes(name)))
}

function settingSteps(attributes: ReadonlyMap<string, Value>, override: boolean): readonly Step[] {
  return [...attributes].map(([attribute, value]) => ({
    on: 'resource',
    act: { kind: override ? 'upsert' : 'insert', path: { attribute }, source: { value } },
  }))
}

function lookingUp(attributes: () => ReadonlyMap<string, Value>, override: boolean): Step {
  return {
    on: 'resource',
    act: (resource) => {
      for (const [name, value] of attributes()) {
        if (override) resource.attributes.set(name, value)
        else resource.attributes.insert(name, value)
      }
    },
  }
}
