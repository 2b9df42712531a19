import type { Addon, Attachment, BpfObject, ObjectSpec, ProgramType } from './addon.ts'
import { Unavailable } from './loader.ts'
import type { LoaderLog, PassedOver, Rung, TracerRequest } from './loader.ts'
import { readObject } from './objects.ts'
import { isNativeError, reasonOf, reasonOfProbe } from './reasons.ts'
import { probe } from './probes.ts'

/** What a ladder stands on. */
export interface Ground {
  readonly addon: Addon
  /** Of the native part. */
  readonly folder: string
  readonly sharedMaps: Readonly<Record<string, number>>
  readonly cgroup2: string | undefined
  readonly log: LoaderLog
  /** Called before a type is probed: makes ready what it needs. */
  prepare(type: ProgramType): Promise<void>
}

export interface Stand {
  readonly rung: string
  readonly object: BpfObject
  readonly passedOver: readonly PassedOver[]
}

/** The first rung whose programs all load and attach. Nothing of those before it is left. */
export async function climb(request: TracerRequest, ground: Ground): Promise<Stand> {
  const passedOver: PassedOver[] = []
  for (const rung of request.rungs) {
    try {
      const { object, lost } = await stand(request, rung, ground)
      return { rung: rung.name, object, passedOver: [...passedOver, ...lost] }
    } catch (thrown) {
      const reason = reasonOf(thrown)
      tellVerifier(request, rung, thrown, ground.log)
      passedOver.push({ rung: rung.name, reason })
    }
  }
  const reasons = passedOver.map(({ rung, reason }) => `${rung}: ${reason}`).join('; ')
  throw new Unavailable(`the tracer ${request.tracer} cannot be used here: ${reasons}`, passedOver)
}

/** Why this rung is not worth a try, by what the kernel can do; undefined where it is. */
export async function whyNot(rung: Rung, ground: Pick<Ground, 'addon' | 'prepare'>): Promise<string | undefined> {
  for (const type of rung.needs) {
    await ground.prepare(type)
    const result = await probe(ground.addon, type)
    if (!result.ok) return reasonOfProbe(result)
  }
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
  if (cgroup2 === undefined)
    throw new Unavailable(`the program ${program} needs the cgroup2 hierarchy, which is mounted nowhere here`)
  return { kind: 'cgroup', path: cgroup2 }
}

function parameterCounts(rung: Rung, addon: Addon): Record<string, Uint8Array> {
  return Object.fromEntries(
    Object.entries(rung.parameters ?? {}).map(([constant, name]) => {
      const count = addon.functionParameters(name)
      if (count < 0) throw new Unavailable(`this kernel has no function ${name}`)
      return [constant, Uint8Array.of(count)]
    }),
  )
}

function tellVerifier({ tracer }: TracerRequest, { name: rung }: Rung, thrown: unknown, log: LoaderLog): void {
  if (isNativeError(thrown) && thrown.log)
    log.debug({ tracer, rung, verifier: thrown.log }, 'The kernel refused a program')
}
