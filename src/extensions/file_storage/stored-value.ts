import { Refused } from '../../plugin.ts'
import type { StoredValue } from '../../plugin.ts'
import { AlternatingFiles } from './alternating-files.ts'
import type { Disk } from './disk.ts'

/** A value is held in memory while it is written and read; what is larger belongs into a queue. */
const MAX_VALUE_BYTES = 64 * 1024 * 1024

export interface ValueOptions {
  readonly name: string
  readonly path: string
  readonly disk: Disk
  readonly onDamaged: () => void
  readonly onClosed: () => void
}

/** A value in two alternating files. No descriptor stays open. */
export class DiskValue implements StoredValue {
  readonly #options: ValueOptions
  readonly #files: AlternatingFiles
  /** Writes follow one another. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: ValueOptions) {
    this.#options = options
    this.#files = new AlternatingFiles({ path: options.path, disk: options.disk })
  }

  async read(): Promise<Buffer | undefined> {
    const found = await this.#inTurn(() => this.#files.read())
    if (found.damaged) this.#options.onDamaged()
    return found.body
  }

  async write(value: Uint8Array): Promise<void> {
    const { disk, name } = this.#options
    if (value.length > MAX_VALUE_BYTES)
      throw new Refused(`${name} would be stored as ${value.length} bytes, and at most ${MAX_VALUE_BYTES} can be`, {
        code: 'invalid_argument',
        retry: 'never',
      })
    if (disk.failure) throw disk.failure
    try {
      await this.#inTurn(() => this.#files.write(value))
    } catch (error) {
      throw disk.fail(error, `writing ${name}`)
    }
  }

  async close(): Promise<void> {
    await this.#inTurn(() => this.#files.close())
    this.#options.onClosed()
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return turn
  }
}
