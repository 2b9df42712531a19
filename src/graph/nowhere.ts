import { Refused } from '../component/refused.ts'
import type { Sink } from '../sending/sink.ts'

/** Where a stage leads that has not been connected: what comes is handed back. */
export const NOWHERE: Sink = {
  take: (delivery) =>
    delivery.end(new Refused('the pipeline is not connected yet', { code: 'unavailable', retry: {} })),
}
