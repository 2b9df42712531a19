import { parseArgs } from 'node:util'
import { headline, line } from './harness/print.ts'
import type { Queue, Result, Row } from './harness/row.ts'
import { runRow } from './harness/run-row.ts'
import { rows } from './rows.ts'

/**
 * `npm run chaos -- [--only NAME[/QUEUE],…] [--seed N] [--short] [--jobs N] [--minutes N] [--list]`: every fault, one line each; exits 1 where a promise was
 * broken or a fault did not strike.
 */
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    short: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '3' },
    minutes: { type: 'string', default: '1' },
    list: { type: 'boolean', default: false },
  },
})

if (values.list) {
  for (const { name, queues, about } of rows) console.log(`${name} (${queues.join(', ')})\n    ${about}`)
  process.exit(0)
}
const seed = Number(values.seed)
const began = performance.now()
console.log(`seed ${seed}\n${headline}`)
const wanted = rows
  .flatMap((row) => row.queues.map((queue) => ({ row, queue })))
  .filter(({ row, queue }) => !values.only || values.only.split(',').some((only) => matches(only, row, queue)))
  .filter(({ row, queue }) => !values.short || values.only || row.short?.includes(queue))
const results: Result[] = []
// Those that wait more than they work share the machine; the others have it one after the other.
const shared = wanted.filter(({ row }) => !row.alone)
await Promise.all(Array.from({ length: Number(values.jobs) }, () => work(shared)))
await work(wanted.filter(({ row }) => row.alone))

const broken = results.filter(({ faults }) => faults.length > 0)
const skipped = results.filter((result) => result.skipped !== undefined)
const sum = (of: (result: Result) => number) => results.reduce((total, result) => total + of(result), 0)
console.log(
  `${results.length - skipped.length} faults, ${broken.length} broken, ${skipped.length} skipped; ` +
    `${sum(({ acknowledged }) => acknowledged)} records acknowledged, ${sum(({ lost }) => lost)} lost; ` +
    `${Math.round((performance.now() - began) / 1000)} s; seed ${seed}`,
)
process.exit(broken.length > 0 || results.length === 0 ? 1 : 0)

async function work(todo: { row: Row; queue: Queue }[]): Promise<void> {
  for (let next = todo.shift(); next; next = todo.shift()) {
    const result = await runRow(next.row, next.queue, { seed, long: !values.short, minutes: Number(values.minutes) })
    results.push(result)
    console.log(line(result))
  }
}

function matches(only: string, row: Row, queue: Queue): boolean {
  return only === row.name || only === `${row.name}/${queue}`
}
