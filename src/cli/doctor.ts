import { tracer, TRACER_NAMES } from '../receivers/ebpf/tracers.ts'
import type { Arguments } from './arguments.ts'
import { colours } from './colours.ts'
import { examine } from './doctor/examine.ts'
import { doctorText } from './doctor/text.ts'

/** Tells what eBPF can do here, and why not more. Whatever it finds, it has done what it was asked to. */
export async function doctor({ output, load }: Arguments, print: (text: string) => number): Promise<number> {
  const ladders = await Promise.all(
    TRACER_NAMES.map(async (name) => ({ tracer: name, rungs: (await tracer(name)).rungs })),
  )
  const report = await examine({ ladders, load })
  return print(
    output === 'json' ? `${JSON.stringify(report, undefined, 2)}\n` : doctorText(report, colours(process.stdout)),
  )
}
