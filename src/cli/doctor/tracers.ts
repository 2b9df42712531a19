import { inProcessLoader, Unavailable } from '../../native.ts'
import type { Addon, KernelLoader, LoadedTracer, PassedOver, Rung } from '../../native.ts'
import { whyNot } from '../../native/ladder.ts'
import { mounts } from '../../native/mounts.ts'
import { readObject } from '../../native/objects.ts'
import type { TracerFacts } from './report.ts'

export interface Ladder {
  readonly tracer: string
  /** Best first. */
  readonly rungs: readonly Rung[]
}

const SILENT = { info: () => {}, debug: () => {} }
/** A small ring: nobody reads it. */
const RING_BYTES = 65_536
const NO_RUNG = 'none of its ways is possible here'

/** Which rung a tracer would use, by what the kernel can do. Loads nothing of the tracer's, and mounts nothing. */
export async function foresee({ tracer, rungs }: Ladder, addon: Addon, folder: string): Promise<TracerFacts> {
  const ground = { addon, cgroup2: mounts().cgroup2, prepare: async () => {} }
  const passedOver: PassedOver[] = []
  for (const rung of rungs) {
    const reason = (await whyNot(rung, ground)) ?? whyMissing(folder, rung.object)
    if (reason === undefined) return { tracer, rung: rung.name, tried: false, passed_over: passedOver, reason: null }
    passedOver.push({ rung: rung.name, reason })
  }
  return { tracer, rung: null, tried: false, passed_over: passedOver, reason: NO_RUNG }
}

/** The same by doing it: what is loaded is taken away again at once. */
export async function tryLoading(ladder: Ladder, addon: Addon, folder: string): Promise<TracerFacts> {
  const loader = inProcessLoader({ addon, folder, log: SILENT })
  try {
    await loader.ring(RING_BYTES)
    const { rung, passedOver } = await loaded(ladder, loader)
    return { tracer: ladder.tracer, rung, tried: true, passed_over: passedOver, reason: null }
  } catch (thrown) {
    if (!(thrown instanceof Unavailable)) throw thrown
    const { passedOver, message } = thrown
    const reason = passedOver.length > 0 ? NO_RUNG : message
    return { tracer: ladder.tracer, rung: null, tried: true, passed_over: passedOver, reason }
  } finally {
    await loader.close()
  }
}

const loaded = ({ tracer, rungs }: Ladder, loader: KernelLoader): Promise<LoadedTracer> =>
  loader.load({ tracer, rungs, constants: {}, mapSizes: {} })

function whyMissing(folder: string, object: string): string | undefined {
  try {
    readObject(folder, object)
    return undefined
  } catch (thrown) {
    if (!(thrown instanceof Unavailable)) throw thrown
    return thrown.message
  }
}
