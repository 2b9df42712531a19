import { backendRows } from './faults/backend.ts'
import { custodyRows } from './faults/custody.ts'
import { diskRows } from './faults/disk.ts'
import { dns } from './faults/dns.ts'
import { healthRows } from './faults/health.ts'
import { outage } from './faults/outage.ts'
import { inputRows } from './faults/input.ts'
import { killRows } from './faults/kill.ts'
import { networkRows } from './faults/network.ts'
import { processRows } from './faults/process.ts'
import { tlsRows } from './faults/tls.ts'
import { clockJumps } from './faults/clock.ts'
import { reloadRows } from './faults/reload.ts'
import { resourceRows } from './faults/resources.ts'
import type { Row } from './harness/row.ts'

/** Every fault that one machine can provoke. */
export const rows: readonly Row[] = [
  ...backendRows,
  ...networkRows,
  ...tlsRows,
  ...inputRows,
  ...reloadRows,
  ...processRows,
  ...resourceRows,
  ...diskRows,
  ...killRows,
  ...custodyRows,
  ...healthRows,
  clockJumps,
  dns,
  outage,
]
