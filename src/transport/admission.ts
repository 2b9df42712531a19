import type { AuthenticationData, RequestHeaders, ServerAuthenticator } from '../component/authentication.ts'
import type { Log } from '../component/context.ts'
import { Refused } from '../component/refused.ts'

/** Options that ask for authentication must never be served without: a component that forgot it does not start. */
export const NO_AUTHENTICATOR = 'the options ask for authentication, and no authenticator was given'

export interface Admission {
  readonly auth?: AuthenticationData | undefined
  /** Why the request may not go on. */
  readonly refused?: Refused
}

/** An authenticator's judgement. Its own failure admits nobody, and tells nobody why. */
export async function admission(
  authenticator: ServerAuthenticator,
  headers: RequestHeaders,
  log: Log,
): Promise<Admission> {
  return admissionNow(authenticator, headers, log)
}

/** The same, at once where the authenticator need not ask anybody. */
export function admissionNow(
  authenticator: ServerAuthenticator,
  headers: RequestHeaders,
  log: Log,
): Admission | Promise<Admission> {
  try {
    const judged = authenticator.authenticate(headers)
    if (!(judged instanceof Promise)) return { auth: judged }
    return judged.then(
      (auth) => ({ auth }),
      (error: unknown) => refusalOf(error, log),
    )
  } catch (error) {
    return refusalOf(error, log)
  }
}

function refusalOf(error: unknown, log: Log): Admission {
  if (error instanceof Refused) return { refused: error }
  log.error({ error }, 'The authenticator failed')
  return { refused: new Refused('the authenticator failed', { code: 'internal', retry: 'never', cause: error }) }
}
