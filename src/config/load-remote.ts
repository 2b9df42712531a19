import { error } from './fault.ts'
import { load } from './load.ts'
import type { Loaded, LoadOptions } from './load.ts'
import { wholeSource } from './place.ts'
import type { Fetched } from './sources/fetch.ts'
import { printableUrl } from './sources/url.ts'

/** Documents that one configuration may fetch. */
export const MAX_FETCHES = 100
/** Documents that name further documents, one behind the other. */
export const MAX_ROUNDS = 10

/** As `load`, where sources and references may be on the network too: what they name is fetched, each address once. */
export async function loadRemote(options: LoadOptions): Promise<Loaded> {
  const fetched = new Map<string, Fetched>(options.fetched)
  for (let round = 0; ; round++) {
    const loaded = load({ ...options, fetched })
    if (loaded.needed.length === 0) return loaded
    if (round === MAX_ROUNDS) return without(loaded, `more than ${MAX_ROUNDS} documents that each name the next`)
    if (fetched.size + loaded.needed.length > MAX_FETCHES)
      return without(loaded, `more than ${MAX_FETCHES} documents to fetch`)
    const { fetchDocument } = await import('./sources/fetch.ts')
    await Promise.all(loaded.needed.map(async (url) => fetched.set(url, await fetchDocument(url))))
  }
}

function without(loaded: Loaded, reason: string): Loaded {
  const place = wholeSource(printableUrl(loaded.needed[0] as string))
  const message = `cannot retrieve the configuration: ${reason}`
  const fault = error({ code: 'too_many_fetches', message, path: '', place })
  return { ...loaded, root: undefined, faults: [...loaded.faults, fault], needed: [] }
}
