import type { Listening } from './listen.ts'

/**
 * Who waits between two requests, or has only just connected, when a server closes may have sent one already: it is answered if it
 * comes within this time, in milliseconds. Where another server listens at the address already nobody is kept waiting by that, and the
 * time may be longer.
 */
const GRACE = 250
const GRACE_WHEN_TAKEN = 2000

/** Calls `cut` when the time is over for clients of a server that has closed; returns how to prevent it. */
export function afterGrace(listening: Listening, cut: () => void): () => void {
  let timer = setTimeout(first, GRACE)
  function first() {
    if (listening.isTaken) timer = setTimeout(last, GRACE_WHEN_TAKEN - GRACE)
    else last()
  }
  // Timers that are late run before what has come meanwhile is read.
  function last() {
    setImmediate(() => setImmediate(cut))
  }
  return () => clearTimeout(timer)
}
