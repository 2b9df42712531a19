/**
 * Addresses at which other processes of this program listen too: the system deals connections out among them (SO_REUSEPORT). Whoever
 * else asks for it shares as well, a second Telegen by mistake among them, so that the first process to listen makes sure that the address is free.
 */
interface SharedAddresses {
  readonly texts: ReadonlySet<string>
  /** Whether this process is the first to listen there. */
  readonly comesFirst: boolean
}

let shared: SharedAddresses = { texts: new Set(), comesFirst: false }
/** Those that this process has found free and taken once: its own copies may listen there since. */
const taken = new Set<string>()

/** `texts` as a definition's `listens` gives them: `tcp://127.0.0.1:4317`. They hold for what begins to listen from now on. */
export function shareAddresses(texts: Iterable<string>, { comesFirst }: { readonly comesFirst: boolean }): void {
  shared = { texts: new Set(texts), comesFirst }
  for (const text of taken) if (!shared.texts.has(text)) taken.delete(text)
}

export const isShared = (text: string): boolean => shared.texts.has(text)

/** Whether it has to be found out that nobody listens at a shared address. */
export const mustBeFree = (text: string): boolean => shared.comesFirst && !taken.has(text)

export const wasFree = (text: string): void => void taken.add(text)
