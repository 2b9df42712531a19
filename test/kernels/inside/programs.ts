import type { Addon, BpfObject, NativeError, Rung } from '../../../src/native.ts'
import { mounts } from '../../../src/native/mounts.ts'
import { readObject } from '../../../src/native/objects.ts'
import { isNativeError, reasonOf } from '../../../src/native/reasons.ts'
import type { ProgramFinding } from '../findings.ts'

/** The object's programs that the kernel refuses, and the object with the others; none where even that is refused. */
interface Loaded {
  readonly object?: BpfObject
  readonly refused: ReadonlyMap<string, NativeError>
}

/** Loads and attaches every program of a rung, each that is refused being left out, and takes them away again. */
export async function tryPrograms(addon: Addon, folder: string, tracer: string, rung: Rung): Promise<ProgramFinding[]> {
  const finding = (program: string, thrown?: NativeError): ProgramFinding => ({
    tracer,
    rung: rung.name,
    program,
    reason: thrown && reasonOf(thrown),
    log: thrown?.log,
  })
  const { object, refused } = await load(addon, readObject(folder, rung.object), rung)
  const findings = [...refused].map(([program, thrown]) => finding(program, thrown))
  for (const program of object?.programNames ?? []) {
    if (refused.has(program)) continue
    findings.push(finding(program, await attach(object as BpfObject, program, rung)))
  }
  object?.close()
  return findings
}

/** Ends: each turn leaves out one more program. */
async function load(addon: Addon, elf: Uint8Array, rung: Rung): Promise<Loaded> {
  const refused = new Map<string, NativeError>()
  for (;;) {
    try {
      const without = [...refused.keys()]
      const object = await addon.load({ name: rung.name, elf, constants: constantsOf(addon, rung), without })
      return { object, refused }
    } catch (thrown) {
      if (!isNativeError(thrown)) throw thrown
      const { subject = rung.object } = thrown
      const isNew = !refused.has(subject)
      refused.set(subject, thrown)
      if (!isNew || thrown.subject === undefined || thrown.step !== 'load') return { refused }
    }
  }
}

async function attach(object: BpfObject, program: string, rung: Rung): Promise<NativeError | undefined> {
  const where = rung.attach?.[program]
  try {
    await object.attach(
      program,
      where?.kind === 'root cgroup' ? { kind: 'cgroup', path: mounts().cgroup2 ?? '' } : where,
    )
    return undefined
  } catch (thrown) {
    if (!isNativeError(thrown)) throw thrown
    return thrown
  }
}

const constantsOf = (addon: Addon, rung: Rung): Record<string, Uint8Array> =>
  Object.fromEntries(
    Object.entries(rung.parameters ?? {}).map(([constant, name]) => [
      constant,
      Uint8Array.of(addon.functionParameters(name)),
    ]),
  )
