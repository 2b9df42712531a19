import { divide } from '../graph/division.ts'
import { draw } from '../graph/draw/draw.ts'
import type { DrawingFormat } from '../graph/draw/draw.ts'
import { plan } from '../graph/plan.ts'
import type { Arguments } from './arguments.ts'
import { printFaults } from './print-faults.ts'
import { read } from './read.ts'

/** Draws the plan of a configuration; one that could not run is not drawn. */
export async function graph(given: Arguments, print: (text: string) => number): Promise<number> {
  const { loaded, checked } = await read(given, { machine: false })
  const { configuration, faults, warnings } = checked
  printFaults([...faults, ...warnings], loaded)
  if (configuration === undefined) return 1
  const division = divide(configuration, configuration.service.workers ?? 1)
  return print(draw(plan(configuration), given.output as DrawingFormat, [], division))
}
