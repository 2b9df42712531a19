import type { Addon, Attachment, BpfObject, ObjectSpec, ProgramType } from './addon.ts'
import { Unavailable } from './loader.ts'
import type { LoaderLog, PassedOver, Rung, TracerRequest } from './loader.ts'
import { mounts } from './mounts.ts'
import { readObject } from './objects.ts'
import { isNativeError, reasonOf, reasonOfProbe } from './reasons.ts'
import { parametersOf, probe } from './probes.ts'

/** What can be known of a ladder's ground before anything stands on it. */
export interface Foreground {
  readonly addon: Addon
  readonly cgroup2: string | undefined
  /** Called before a type is probed: makes ready what it needs. */
  prepare(type: ProgramType): Promise<void>
}

/** What a ladder stands on. */
export interface Ground extends Foreground {
  /** Of the native part. */
  readonly folder: string
  readonly sharedMaps: Readonly<Record<string, number>>
  readonly log: LoaderLog
}

export const NO_TRACEFS = 'tracepoints need tracefs, which is mounted nowhere here'

export interface Stand {
  readonly rung: string
  readonly object: BpfObject
  readonly passedOver: readonly PassedOver[]
  /** Programs that wait to be attached. */
  readonly probes: readonly string[]
}

/** The first rung whose programs all load and attach. Nothing of those before it is left. */
export async function climb(request: TracerRequest, ground: Ground): Promise<Stand> {
  const passedOver: PassedOver[] = []
  for (const rung of request.rungs) {
    try {
      const { object, lost } = await stand(request, rung, ground)
      return { rung: rung.name, object, passedOver: [...passedOver, ...lost], probes: rung.probes ?? [] }
    } catch (thrown) {
      const reason = reasonOf(thrown)
      tellVerifier(request, rung, thrown, ground.log)
      passedOver.push({ rung: rung.name, reason })
    }
  }
  const reasons = passedOver.map(({ rung, reason }) => `${rung}: ${reason}`).join('; ')
  throw new Unavailable(`the tracer ${request.tracer} cannot be used here: ${reasons}`, passedOver)
}

/** Why this rung is not worth a try, by what the kernel can do and has; undefined where it is. */
export async function whyNot(rung: Rung, ground: Foreground): Promise<string | undefined> {
  for (const type of rung.needs) {
    await ground.prepare(type)
    if (type === 'tracepoint' && mounts().tracefs === undefined) return NO_TRACEFS
    const result = await probe(ground.addon, type)
    if (!result.ok) return reasonOfProbe(result)
  }
  const wanted = Object.values(rung.parameters ?? {}).find((name) => parametersOf(ground.addon, name) < 0)
  if (wanted !== undefined) return `this kernel has no function ${wanted}`
  const rooted = Object.entries(rung.attach ?? {}).find(([, { kind }]) => kind === 'root cgroup')
  if (rooted && ground.cgroup2 === undefined)
    return `the program ${rooted[0]} needs the cgroup2 hierarchy, which is mounted nowhere here`
  return undefined
}

interface Stood {
  readonly object: BpfObject
  readonly lost: readonly PassedOver[]
}

async function stand(request: TracerRequest, rung: Rung, ground: Ground): Promise<Stood> {
  const reason = await whyNot(rung, ground)
  if (reason !== undefined) throw new Unavailable(reason)
  const spec: ObjectSpec = {
    name: request.tracer,
    elf: readObject(ground.folder, rung.object),
    constants: { ...request.constants, ...parameterCounts(rung, ground.addon) },
    mapSizes: request.mapSizes,
    sharedMaps: ground.sharedMaps,
  }
  const { object, lost } = await loadWithoutLost(spec, rung, ground.addon)
  try {
    return { object, lost: [...lost, ...(await attachAll(object, rung, ground))] }
  } catch (thrown) {
    object.close()
    throw thrown
  }
}

/** Loads; where the kernel refuses a program that may be missing, loads once more without it. */
async function loadWithoutLost(spec: ObjectSpec, rung: Rung, addon: Addon): Promise<Stood> {
  const lost: PassedOver[] = []
  const without: string[] = []
  // Ends: each turn leaves out one more of the optional programs.
  for (;;) {
    try {
      return { object: await addon.load({ ...spec, without }), lost }
    } catch (thrown) {
      const program = isNativeError(thrown) ? thrown.subject : undefined
      if (program === undefined || rung.optional?.[program] === undefined || without.includes(program)) throw thrown
      without.push(program)
      lost.push(lostOf(rung, program, thrown))
    }
  }
}

async function attachAll(object: BpfObject, rung: Rung, ground: Ground): Promise<PassedOver[]> {
  const lost: PassedOver[] = []
  for (const program of object.programNames) {
    if (rung.probes?.includes(program)) continue
    try {
      await object.attach(program, whereOf(rung, program, ground.cgroup2))
    } catch (thrown) {
      if (rung.optional?.[program] === undefined) throw thrown
      lost.push(lostOf(rung, program, thrown))
    }
  }
  return lost
}

const lostOf = (rung: Rung, program: string, thrown: unknown): PassedOver => ({
  rung: rung.name,
  reason: `${rung.optional?.[program]}: ${reasonOf(thrown)}`,
})

function whereOf(rung: Rung, program: string, cgroup2: string | undefined): Attachment | undefined {
  const where = rung.attach?.[program]
  if (where?.kind !== 'root cgroup') return where
  return { kind: 'cgroup', path: cgroup2 as string }
}

const parameterCounts = (rung: Rung, addon: Addon): Record<string, Uint8Array> =>
  Object.fromEntries(
    Object.entries(rung.parameters ?? {}).map(([constant, name]) => [
      constant,
      Uint8Array.of(parametersOf(addon, name)),
    ]),
  )

function tellVerifier({ tracer }: TracerRequest, { name: rung }: Rung, thrown: unknown, log: LoaderLog): void {
  if (isNativeError(thrown) && thrown.log)
    log.debug({ tracer, rung, verifier: thrown.log }, 'The kernel refused a program')
}
