import { backendDown, backendHangs } from './faults/backend.ts'
import type { Row } from './harness/row.ts'

/** Every fault that one machine can provoke. */
export const rows: readonly Row[] = [backendDown, backendHangs]
