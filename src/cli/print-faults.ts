import type { Fault } from '../config/fault.ts'
import { report, reportJson } from '../config/report.ts'
import type { Loaded } from '../config/load.ts'
import { colours } from './colours.ts'

/**
 * Writes faults: for people to standard error, in colour where that is a terminal that likes colours, without what is only worth
 * knowing; all of them as JSON to standard output.
 */
export function printFaults(
  faults: readonly Fault[],
  { texts, secrets }: Loaded,
  output: 'text' | 'json' = 'text',
): void {
  if (output === 'json') {
    process.stdout.write(`${reportJson(faults)}\n`)
    return
  }
  const told = faults.filter(({ severity }) => severity !== 'info')
  if (told.length > 0) process.stderr.write(report(told, { texts, secrets, colours: colours(process.stderr) }))
}
