import { encode } from '../../data/oracle.ts'
import { logsRequest, spansRequest } from '../../graph/requests.ts'

/** Requests as bytes, encoded by an independent encoder. */
export const spans = (...names: string[]): Buffer => encode('traces', spansRequest(...names))
export const logs = (...bodies: string[]): Buffer => encode('logs', logsRequest(...bodies))
