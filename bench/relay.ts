/**
 * How many requests does one core relay, Telegen beside the OpenTelemetry Collector with the same file and the same load? All programs
 * run at once, pinned to one core, and take turns in windows; load and backend are another process on another core. Every item has a
 * number, so that what is lost or doubled is seen. Without options: the rows that the project promises something of, some 25 minutes.
 *
 *   --only=grpc/chain/10,http/pass/512/traces   beginnings of names; `all` is every scenario; --list prints the names
 *   --rounds=9 --window=2000 --quick            how long; quick is 3 rounds of 1 s
 *   --latency                                   p99 at half of the load that the slower one saturates at, and nothing else
 *   --telegen=FILE --collector=FILE             other programs than dist/cli/main.js and the Collector of scripts/otelcol
 *   --cores=0,1                                 of the programs, and of the load
 *   --write                                     puts the tables into docs/performance.md
 */
import { contest, type Effort } from './relay/contest.ts'
import { latencyAtHalfLoad } from './relay/latency.ts'
import { collectors, findCollector, type Program, telegen } from './relay/programs.ts'
import { printContest, printLatency } from './relay/print.ts'
import { choose, nameOf } from './relay/scenario.ts'
import { keepContest, keepLatency } from './relay/results.ts'

export default async function relay(options: readonly string[]): Promise<void> {
  const value = (name: string): string | undefined =>
    options.find((option) => option.startsWith(`--${name}=`))?.slice(name.length + 3)
  const scenarios = choose(value('only'))
  if (options.includes('--list')) return console.log(scenarios.map(nameOf).join('\n'))
  const quick = options.includes('--quick')
  const cores = (value('cores') ?? '0,1').split(',').map(Number)
  const effort: Effort = {
    rounds: Number(value('rounds') ?? (quick ? 3 : 9)),
    windowMs: Number(value('window') ?? (quick ? 1_000 : 2_000)),
    warmUpMs: quick ? 2_000 : 4_000,
    cores: [cores[0] ?? 0, cores[1] ?? 1],
  }
  const programs = [telegen(value('telegen')), ...peers(value('collector'))]
  const write = options.includes('--write')
  if (!options.includes('--latency'))
    for (const scenario of scenarios) {
      const held = await contest(scenario, programs, effort)
      printContest(held)
      if (write) keepContest(held, effort)
    }
  if (options.includes('--latency') || value('only') === undefined) {
    const latency = await latencyAtHalfLoad(programs, effort)
    printLatency(latency)
    if (write) keepLatency(latency, effort)
  }
}

function peers(path: string | undefined): Program[] {
  if (path !== undefined) return collectors(path)
  const found = findCollector()
  if ('path' in found) return collectors(found.path)
  console.log(`Telegen alone: ${found.missing}`)
  return []
}
