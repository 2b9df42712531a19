import { Unavailable } from '../../native.ts'
import type { KernelLoader, LoadedTracer, Rung } from '../../native.ts'
import type { Log, Signal } from '../../plugin.ts'
import { wakeBytes } from './pump.ts'
import type { AnyTracer } from './tracers.ts'

export interface ChosenTracer {
  readonly definition: AnyTracer
  readonly options: unknown
}

/** A tracer whose programs run. */
export interface RunningTracer extends ChosenTracer {
  readonly loaded: LoadedTracer
}

export interface Loading {
  readonly running: readonly RunningTracer[]
  /** Those that cannot trace here, each with its reason. */
  readonly unavailable: readonly string[]
}

/** Puts each tracer into the kernel by itself: one that cannot be does not keep the others out. Says of each in one line what became of it. */
export async function loadTracers(
  loader: KernelLoader,
  ringBytes: number,
  chosen: readonly ChosenTracer[],
  allowed: readonly string[],
  log: Log,
): Promise<Loading> {
  const running: RunningTracer[] = []
  const unavailable: string[] = []
  const wake = new Uint8Array(Uint32Array.of(wakeBytes(ringBytes)).buffer)
  for (const one of chosen) {
    const { definition, options } = one
    const { name } = definition
    try {
      const rungs = allowedRungs(definition, allowed)
      const constants = { ...definition.constants(options), wake_bytes: wake }
      const mapSizes = definition.mapSizes(options)
      const loaded = await loader.load({ tracer: name, rungs, constants, mapSizes })
      log.info({ tracer: name, rung: loaded.rung, passed_over: loaded.passedOver }, sayRung(name, loaded))
      running.push({ ...one, loaded })
    } catch (thrown) {
      if (!(thrown instanceof Error)) throw thrown
      const passedOver = thrown instanceof Unavailable ? thrown.passedOver : []
      unavailable.push(`${name}: ${thrown.message}`)
      log.warn({ tracer: name, passed_over: passedOver }, `The tracer ${name} cannot trace here: ${thrown.message}`)
    }
  }
  return { running, unavailable }
}

/** Best first, as the tracer has them; any where none is named. */
function allowedRungs({ rungs }: AnyTracer, allowed: readonly string[]): readonly Rung[] {
  if (allowed.length === 0) return rungs
  const left = rungs.filter(({ name }) => allowed.includes(name))
  if (left.length > 0) return left
  throw new Unavailable(`\`rungs\` leaves it none of ${rungs.map(({ name }) => name).join(', ')}`)
}

/** `The tracer http traces by tp_btf (fentry: …; kprobe: …)`. */
function sayRung(name: string, { rung, passedOver }: LoadedTracer): string {
  const why = passedOver.map(({ rung: other, reason }) => `${other}: ${reason}`).join('; ')
  return `The tracer ${name} traces by ${rung}${why === '' ? '' : ` (${why})`}`
}

/**
 * Of the tracers that are on those that emit something that leaves in a pipeline, or that somebody follows (`isFollowed`); of the others it
 * says so.
 */
export function heard(
  chosen: readonly ChosenTracer[],
  signals: readonly Signal[],
  isFollowed: boolean,
  log: Log,
): readonly ChosenTracer[] {
  return chosen.filter(({ definition, options }) => {
    const emitted = definition.signals(options)
    const isHeard = emitted.some((signal) => signals.includes(signal)) || (isFollowed && definition.isFollowed === true)
    if (!isHeard)
      log.warn(
        { tracer: definition.name, emits: emitted },
        `The tracer ${definition.name} is left out: it emits ${emitted.join(' and ') || 'nothing'}, and the receiver stands in no such pipeline`,
      )
    return isHeard
  })
}
