/** `npm run test:h2spec [-- SECTION...]`: holds the OTLP receiver's HTTP/2 to h2spec, in the clear and over TLS. Exits 1 where a case is not passed. */
import { Authority, withoutOpenssl } from '../transport/certificates.ts'
import { findJudge, judge } from './judge.ts'
import { startTelegen } from './judged-telegen.ts'

const found = findJudge()
if ('missing' in found) {
  console.log(`skipped: ${found.missing}`)
  process.exit(0)
}
const sections = process.argv.slice(2)
const authority = withoutOpenssl === false ? new Authority() : undefined
const telegen = await startTelegen(authority?.sign('localhost'))
let isPassed = true
for (const [name, port] of [
  ['in the clear', telegen.plain],
  ['over TLS', telegen.secure],
] as const) {
  if (port === undefined) {
    console.log(`${name}: skipped: ${withoutOpenssl}`)
    continue
  }
  const { report, cases, passed, others } = await judge(found.program, port, name === 'over TLS', sections)
  console.log(report)
  console.log(`${name}: ${passed} of ${cases} cases passed`)
  for (const other of others) console.log(`  not passed: ${other}`)
  isPassed &&= cases > 0 && others.length === 0
}
const code = await telegen.stop()
authority?.[Symbol.dispose]()
if (code !== 0) console.log(`Telegen ended with ${code}`)
process.exitCode = isPassed && code === 0 ? 0 : 1
