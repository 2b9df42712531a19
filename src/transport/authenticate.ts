import type { ClientAuthenticator } from '../component/authentication.ts'
import type { Origin } from '../component/delivery.ts'
import { Refused } from '../component/refused.ts'
import { isHeader, isHttpHeader } from './option-faults.ts'

/** Lets an authenticator change the headers of a request. What it cannot carry is refused without naming it; gRPC carries ASCII alone. */
export async function authenticate(
  authenticator: ClientAuthenticator,
  headers: Map<string, string>,
  origin: Origin,
  over: 'http' | 'grpc',
): Promise<void> {
  try {
    await authenticator.authenticate(headers, origin)
  } catch (error) {
    if (error instanceof Refused) throw error
    const message = `the authenticator failed: ${(error as Error).message}`
    throw new Refused(message, { code: 'unauthenticated', retry: 'never', cause: error })
  }
  for (const [name, value] of headers)
    if (!(over === 'grpc' ? isHeader : isHttpHeader)(name, value)) {
      const why = isHttpHeader(name, value) ? 'gRPC cannot carry: its headers are ASCII alone' : 'no request can carry'
      const message = `the authenticator made a header "${name.slice(0, LONGEST_NAME)}" that ${why}`
      throw new Refused(message, { code: 'unauthenticated', retry: 'never' })
    }
}

/** Characters of a name in a message. */
const LONGEST_NAME = 64
