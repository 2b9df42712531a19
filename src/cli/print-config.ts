import type { Fault } from '../config/fault.ts'
import { effective } from '../config/print/effective.ts'
import { jsonText, yamlText } from '../config/print/text.ts'
import { plan } from '../graph/plan.ts'
import { chosen } from '../service/chosen.ts'
import type { Arguments } from './arguments.ts'
import { printFaults } from './print-faults.ts'
import { read } from './read.ts'

/** Prints the configuration that takes effect. One that cannot be run is refused, unless it is asked to be printed all the same. */
export async function printConfig(given: Arguments, print: (text: string) => number): Promise<number> {
  const { loaded, catalog, checked } = await read(given, { machine: false })
  const { configuration, warnings } = checked
  const refused = given.validate && configuration === undefined
  if (refused || loaded.root === undefined) {
    printFaults([...checked.faults, ...warnings], loaded)
    return 1
  }
  const { tree, faults } = await effective(loaded.root, catalog, given.mode === 'unredacted')
  printFaults([...withoutTwins(faults), ...warnings], loaded)
  if (faults.length > 0) return 1
  const notes = configuration === undefined ? [] : chosen(configuration, plan(configuration))
  return print(given.format === 'json' ? jsonText(tree) : yamlText(tree, notes))
}

/** Two places may tell the same of one fault. */
const withoutTwins = (faults: readonly Fault[]): Fault[] => [
  ...new Map(faults.map((fault) => [`${fault.path} ${fault.message}`, fault])).values(),
]
