import { CredentialsFile } from '../../plugin.ts'
import type { Clock, Log } from '../../plugin.ts'
import { keySetOf } from './key-set.ts'
import type { KeySet } from './key-set.ts'
import type { KeySource } from './provider.ts'

/** Keys in a file, which is read again when it changes. */
export class FileKeys implements KeySource {
  keys: KeySet | undefined
  readonly #file: CredentialsFile
  readonly #path: string
  readonly #log: Log

  constructor(path: string, clock: Clock, log: Log) {
    this.#path = path
    this.#log = log
    this.#file = new CredentialsFile({ path, clock, log, onContent: (text) => this.#use(text) })
  }

  async start(): Promise<void> {
    await this.#file.start()
  }

  stop(): void {
    this.#file.stop()
  }

  /** The file tells by itself. */
  newer(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  #use(text: string): void {
    const path = this.#path
    try {
      const keys = keySetOf(text)
      if (keys.unusable > 0) this.#log.warn({ path, keys: keys.unusable }, 'Some keys of the file cannot be used')
      this.keys = keys
    } catch (cause) {
      if (this.keys === undefined)
        throw new Error(`invalid public_keys_file "${path}": ${(cause as Error).message}`, { cause })
      this.#log.error({ path, reason: (cause as Error).message }, 'The changed keys cannot be used; the old ones stay')
    }
  }
}
