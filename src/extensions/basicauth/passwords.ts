import { createHmac, randomBytes } from 'node:crypto'
import { Refused } from '../../plugin.ts'
import type { Match } from './htpasswd.ts'

/** Verdicts of each kind that are remembered, so that a password costs its hash once and not with every request. */
const MOST_REMEMBERED = 1024
/** Passwords that may wait to be hashed: bcrypt takes a tenth of a second of the one thread there is. */
const MOST_WAITING = 32

/** Who may come in. */
export class Passwords {
  /** What is remembered cannot be turned back into passwords: the key dies with the process. */
  readonly #key = randomBytes(32)
  readonly #right = new Set<string>()
  /** Apart, so that who guesses pushes nobody out. */
  readonly #wrong = new Set<string>()
  #entries: ReadonlyMap<string, Match> = new Map()
  #stranger: Match = NOBODY
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  /** `stranger` judges those who have no entry. */
  use(entries: ReadonlyMap<string, Match>, stranger: Match = NOBODY): void {
    this.#entries = entries
    this.#stranger = stranger
    this.#right.clear()
    this.#wrong.clear()
  }

  async match(user: string, password: string): Promise<boolean> {
    const match = this.#matchOf(user)
    const digest = createHmac('sha256', this.#key).update(`${user.length}:${user}${password}`).digest('base64')
    const known = this.#known(digest)
    if (known !== undefined) return known
    if (this.#waiting >= MOST_WAITING) throw BUSY
    return this.#inTurn(async () => {
      const meanwhile = this.#known(digest)
      if (meanwhile !== undefined) return meanwhile
      const verdict = await match(password)
      // The entries may have changed meanwhile.
      if (this.#matchOf(user) === match) this.#remember(digest, verdict)
      return verdict
    })
  }

  #matchOf(user: string): Match {
    return this.#entries.get(user) ?? this.#stranger
  }

  #known(digest: string): boolean | undefined {
    return this.#right.has(digest) ? true : this.#wrong.has(digest) ? false : undefined
  }

  /** One after another. */
  async #inTurn(judge: () => Promise<boolean>): Promise<boolean> {
    this.#waiting++
    const verdict = this.#last.then(judge)
    this.#last = verdict.catch(() => {})
    return verdict.finally(() => this.#waiting--)
  }

  #remember(digest: string, verdict: boolean): void {
    const verdicts = verdict ? this.#right : this.#wrong
    const [oldest] = verdicts
    if (verdicts.size >= MOST_REMEMBERED && oldest !== undefined) verdicts.delete(oldest)
    verdicts.add(digest)
  }
}

const BUSY = new Refused('too many passwords are being checked', { code: 'unavailable', retry: {} })
const NOBODY: Match = () => false
