import type { StatusReporter } from '../component/status.ts'

/** The status of a component that several report on, an exporter's senders: well when all of them are. */
export class SharedStatus {
  readonly #status: StatusReporter
  readonly #troubles = new Map<object, string>()

  constructor(status: StatusReporter) {
    this.#status = status
  }

  /** What one of them reports to. */
  share(): StatusReporter {
    const own = {}
    return {
      ok: () => {
        if (this.#troubles.size === 0) return this.#status.ok()
        if (!this.#troubles.delete(own)) return
        const [left] = this.#troubles.values()
        if (left === undefined) this.#status.ok()
        else this.#status.recoverable(left)
      },
      recoverable: (reason) => {
        this.#troubles.set(own, reason)
        this.#status.recoverable(reason)
      },
      permanent: (reason) => this.#status.permanent(reason),
    }
  }
}
