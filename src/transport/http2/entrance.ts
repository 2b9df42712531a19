import type { AuthenticationData } from '../../component/authentication.ts'
import { admissionNow } from '../admission.ts'
import type { Admission } from '../admission.ts'
import type { ServerStream } from './server-stream.ts'
import type { Service } from './service.ts'

/** Asks about a request, by its headers, all who are to be asked; those that may not go on are told. */
export class Entrance {
  readonly #service: Service
  readonly #certificate: AuthenticationData | undefined
  readonly #refuse: (stream: ServerStream, thrown: unknown) => void

  constructor(
    service: Service,
    certificate: AuthenticationData | undefined,
    refuse: (stream: ServerStream, thrown: unknown) => void,
  ) {
    this.#service = service
    this.#certificate = certificate
    this.#refuse = refuse
  }

  /** Whether it may go on, be it later: what comes of it is kept then. */
  admits(stream: ServerStream): boolean {
    const { authenticator, log } = this.#service
    if (authenticator === undefined) return this.#letsIn(stream)
    const judged = admissionNow(authenticator, stream.metadata, log)
    if (!(judged instanceof Promise)) return this.#heeds(stream, judged)
    stream.wait()
    void judged.then((admission) => {
      // It was cancelled, or its time was over, while it was judged.
      if (stream.state !== 'over' && this.#heeds(stream, admission)) stream.goOn()
    })
    return true
  }

  /** Its answer: what is thrown at once is one, too. */
  handOver(stream: ServerStream): Promise<Buffer | void> {
    try {
      this.#service.limiter?.took(stream, { bytes: stream.length })
      return stream.take()
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #heeds(stream: ServerStream, { auth, refused }: Admission): boolean {
    // What the certificate proves no claim of a token stands for.
    if (auth) stream.auth = { ...auth, ...this.#certificate }
    if (!refused) return this.#letsIn(stream)
    this.#service.onRejected(refused)
    this.#refuse(stream, refused)
    return false
  }

  #letsIn(stream: ServerStream): boolean {
    try {
      const limited = this.#service.limiter?.refuse(stream)
      if (limited) this.#service.onRejected(limited)
      const refused = limited ?? stream.head.method?.refuse?.(stream)
      if (refused) this.#refuse(stream, refused)
      return refused === undefined
    } catch (error) {
      // One request is lost by it, and not a process.
      this.#refuse(stream, error)
      return false
    }
  }
}
