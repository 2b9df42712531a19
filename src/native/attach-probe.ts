import type { Addon, Attachment, BpfObject } from './addon.ts'
import { LivingProcess } from './living-process.ts'
import type { ProbedProcess } from './living-process.ts'
import { Unavailable } from './loader.ts'
import type { ProbePlace } from './loader.ts'
import { isNativeError } from './reasons.ts'

/** Whether a process may be probed. */
export type Admits = (process: ProbedProcess) => boolean

/**
 * Attaches a program to functions of a process's file. The file is opened once, within the process's root, and looked at and attached to through
 * that descriptor: what was checked is what is probed. A number of a process may be another's at any time, so the process is held by its folder in
 * /proc, and looked at again afterwards: as it lived throughout, the number was its own when the kernel was told.
 */
export async function attachProbe(
  addon: Addon,
  object: BpfObject,
  program: string,
  place: ProbePlace,
  admits: Admits,
): Promise<number> {
  const process = new LivingProcess(place.pid)
  try {
    if (!admits(process.identity)) throw new Unavailable(`the process ${place.pid} is not one that may be probed`)
    const file = await found(place, () => addon.processFiles.openInRoot(process.descriptor, place.path))
    try {
      return await attachWhileSame(process, object, program, await whereOf(addon, file, place))
    } finally {
      addon.closeDescriptor(file)
    }
  } finally {
    process.close()
  }
}

async function attachWhileSame(
  process: LivingProcess,
  object: BpfObject,
  program: string,
  where: Attachment,
): Promise<number> {
  const gone = () => new Unavailable(`the process ${process.identity.pid} has ended, or become another program`)
  let handle: number
  try {
    handle = await object.attach(program, where)
  } catch (thrown) {
    throw process.isSame() ? thrown : gone()
  }
  let isSame = false
  try {
    isSame = process.isSame()
  } finally {
    if (!isSame) object.detach(handle)
  }
  if (!isSame) throw gone()
  return handle
}

async function whereOf(addon: Addon, file: number, place: ProbePlace): Promise<Attachment> {
  const { kind, pid, path, symbols = [], offsets: given = [], returns } = place
  const offsets = await found(place, () => addon.processFiles.probeOffsets(file, path, symbols, given))
  const [offset] = offsets
  if (offset === undefined) throw new Unavailable('a probe without a function to go to')
  const through = `/proc/self/fd/${file}`
  if (kind === 'uprobe_multi') return { kind, path: through, offsets, pid, returns }
  if (offsets.length > 1) throw new Unavailable('a uprobe goes to one function, several need uprobe_multi')
  return { kind, path: through, offset, pid, returns }
}

/** What is not there, or not to be probed, is nobody's fault: a process may have any files. */
async function found<Found>({ pid }: ProbePlace, look: () => Promise<Found>): Promise<Found> {
  try {
    return await look()
  } catch (thrown) {
    if (!isNativeError(thrown)) throw thrown
    throw new Unavailable(`the process ${pid} cannot be probed there: ${thrown.message}`)
  }
}
