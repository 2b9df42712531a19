import { InflatedBytes } from './arriving-message.ts'
import { limitPings } from './ping-limit.ts'
import type { PingPolicy } from './ping-limit.ts'
import { onSession } from './sessions.ts'
import { StreamGuard } from './stream-guard.ts'
import type { StreamLimits } from './stream-guard.ts'

/**
 * Ends connections of a grpc-js server that flood it with what neither HTTP/2 nor grpc-js bounds. Returns how to stop watching. For
 * components that serve by themselves; `startUnaryServer` does it for its own.
 */
export function guardSessions(server: object, limits: StreamLimits, pings: PingPolicy): () => void {
  const guard = new StreamGuard(new InflatedBytes(), limits)
  onSession(server, (session) => {
    guard.watch(session)
    limitPings(session, pings)
  })
  return () => guard.stop()
}
