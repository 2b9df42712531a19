/** Names of users by their ids, of the host. Read anew after a while, since accounts come and go. */
export class Accounts {
  readonly #read: () => string | undefined
  readonly #now: () => number
  #names = new Map<number, string>()
  #readAt = Number.NEGATIVE_INFINITY

  constructor(read: () => string | undefined, now: () => number) {
    this.#read = read
    this.#now = now
  }

  name(user: number): string | undefined {
    const now = this.#now()
    if (now - this.#readAt >= FRESH_MS) {
      this.#readAt = now
      this.#names = parse(this.#read() ?? '')
    }
    return this.#names.get(user)
  }
}

const FRESH_MS = 60_000

/** `name:password:id:…`; the first of an id counts. */
function parse(text: string): Map<number, string> {
  const names = new Map<number, string>()
  for (const line of text.split('\n')) {
    const [name, , id] = line.split(':')
    if (name && id && !names.has(Number(id))) names.set(Number(id), name)
  }
  return names
}
