import { backendRows } from './faults/backend.ts'
import { networkRows } from './faults/network.ts'
import { processRows } from './faults/process.ts'
import type { Row } from './harness/row.ts'

/** Every fault that one machine can provoke. */
export const rows: readonly Row[] = [...backendRows, ...networkRows, ...processRows]
