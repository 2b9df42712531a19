/** `npm run chaos`: a backend away for a minute under 20,000 spans a second, in three shapes. Prints what happened; exits 1 where a promise was broken. */
import { faults, outage } from './outage.ts'

const seconds = Number(process.argv[2] ?? 60)
let broken = 0
for (const shape of ['pass', 'batch', 'fan-out'] as const) {
  const report = await outage({ shape, before: 5_000, down: seconds * 1000, after: 10_000, rate: 20_000 })
  console.log(JSON.stringify({ ...report, memory: report.memory.join(' ') }, null, 2))
  for (const fault of faults(report)) {
    broken++
    console.log(`BROKEN (${shape}): ${fault}`)
  }
}
process.exit(broken > 0 ? 1 : 0)
