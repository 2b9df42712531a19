import { loadAddon } from '../../native.ts'
import type { Addon, LoadedAddon, ProbeResult } from '../../native.ts'
import { whyNothingLoads } from '../../native/in-process.ts'
import { mounts } from '../../native/mounts.ts'
import { probeAll } from '../../native/probes.ts'
import { ownPackage } from '../package.ts'
import { processFacts, systemFacts } from './host.ts'
import type { DoctorReport, NativeFacts, TracerFacts } from './report.ts'
import { foresee, tryLoading } from './tracers.ts'
import type { Ladder } from './tracers.ts'

export interface Examination {
  readonly ladders: readonly Ladder[]
  /** Loads and unloads the programs of the tracers, in place of foreseeing it from what the kernel can do. */
  readonly load: boolean
}

/** Looks at everything that can be looked at with the privileges that there are. */
export async function examine({ ladders, load }: Examination): Promise<DoctorReport> {
  const native = loadAddon()
  const obstacle = native.kind === 'loaded' ? whyNothingLoads(native.addon) : native.reason
  return {
    telegen: ownPackage().version,
    system: systemFacts(),
    process: processFacts(),
    native: nativeFacts(native),
    obstacle: obstacle ?? null,
    // What stands in the way of all would only be said of each.
    program_types: obstacle === undefined ? await programTypes(native) : [],
    tracers: await Promise.all(ladders.map((ladder) => tracerFacts(ladder, native, obstacle, load))),
    // Last: loading may have mounted tracefs.
    mounts: mountFacts(),
  }
}

const programTypes = async (native: LoadedAddon): Promise<readonly ProbeResult[]> =>
  native.kind === 'loaded' ? Object.values((await probeAll(native.addon)).types) : []

function mountFacts(): DoctorReport['mounts'] {
  const { cgroup2 = null, tracefs = null, bpffs = null } = process.platform === 'linux' ? mounts() : {}
  return { cgroup2, tracefs, bpffs }
}

function nativeFacts(native: LoadedAddon): NativeFacts {
  const { folder } = native
  if (native.kind === 'unavailable') return { loaded: false, folder, addon: null, libbpf: null, reason: native.reason }
  const { addon, libbpf } = native.addon.versions
  return { loaded: true, folder, addon, libbpf, reason: null }
}

async function tracerFacts(
  ladder: Ladder,
  native: LoadedAddon,
  obstacle: string | undefined,
  load: boolean,
): Promise<TracerFacts> {
  const { tracer } = ladder
  if (native.kind === 'unavailable' || obstacle !== undefined)
    return { tracer, rung: null, tried: false, passed_over: [], reason: obstacle ?? null }
  const { addon, folder }: { addon: Addon; folder: string } = native
  return load ? tryLoading(ladder, addon, folder) : foresee(ladder, addon, folder)
}
