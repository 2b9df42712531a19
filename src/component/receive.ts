import type { Observable } from 'rxjs'
import type { Receiver } from './definition.ts'
import type { Delivery } from './delivery.ts'

export interface Receive<T> {
  /** Acquires what the receiver reads from: binds a socket, opens a file. Rejects where it cannot. */
  readonly open: () => Promise<T>
  /** What comes in, each admitted through the ingress. Errors are reported as the receiver's, and it is subscribed to again after a pause. */
  readonly deliveries: (opened: T) => Observable<Delivery>
  /** Lets go of what `open` acquired, by `deadline`. */
  readonly close?: (opened: T, deadline: AbortSignal) => Promise<void>
}

/** A receiver that takes data in as it comes. */
export function receive<T>(parts: Receive<T>): Receiver {
  let opened: { readonly value: T } | undefined
  return {
    async open() {
      opened = { value: await parts.open() }
      return parts.deliveries(opened.value)
    },
    async close(deadline) {
      if (opened === undefined) return
      const { value } = opened
      opened = undefined
      await parts.close?.(value, deadline)
    },
  }
}
