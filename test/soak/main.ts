/** `npm run soak -- http2 [--minutes 10] [--seed n]`: exits 1 where something grows that should not, or a client is let down. */
import { parseArgs } from 'node:util'
import { soakHttp2 } from './http2.ts'

const MINUTE = 60_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
})
if (positionals[0] !== 'http2') {
  console.error('soak what? http2')
  process.exit(2)
}
const print = (line: string): void => console.log(`${new Date().toISOString()} http2 ${line}`)
print(`seed ${values.seed}, ${values.minutes} minutes`)
const faults = await soakHttp2(Number(values.minutes) * MINUTE, Number(values.seed), print)
for (const fault of faults) print(`BROKEN: ${fault}`)
if (faults.length === 0) print('nothing is broken')
process.exitCode = faults.length === 0 ? 0 : 1
