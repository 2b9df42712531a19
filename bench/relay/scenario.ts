import type { Signal } from './item-numbers.ts'

/** One question: how Telegen and the Collector relay such requests with such a configuration. */
export interface Scenario {
  readonly protocol: 'grpc' | 'http'
  readonly work: 'pass' | 'chain'
  readonly items: number
  readonly signal: Signal
  readonly gzip: boolean
  /** With the processor `batch` and a sending queue, else with neither. */
  readonly batch: boolean
}

const PROTOCOLS = ['grpc', 'http'] as const
const WORKS = ['pass', 'chain'] as const
const SIZES = [10, 512] as const
export const SIGNALS = ['traces', 'metrics', 'logs'] as const

/** Such as `grpc/chain/10/traces+gzip+batch`. */
export function nameOf({ protocol, work, items, signal, gzip, batch }: Scenario): string {
  return `${protocol}/${work}/${items}/${signal}${gzip ? '+gzip' : ''}${batch ? '+batch' : ''}`
}

export const ALL: readonly Scenario[] = PROTOCOLS.flatMap((protocol) =>
  [false, true].flatMap((gzip) =>
    [false, true].flatMap((batch) =>
      WORKS.flatMap((work) =>
        SIZES.flatMap((items) => SIGNALS.map((signal) => ({ protocol, work, items, signal, gzip, batch }))),
      ),
    ),
  ),
)

/** What is run unless something is named: the rows that the project promises something of, and one of each other kind. */
const PROMISED: readonly RegExp[] = [
  /^grpc\/(chain|pass)\/\d+\/\w+$/,
  /^http\/(chain|pass)\/\d+\/traces$/,
  /^grpc\/(chain|pass)\/\d+\/traces\+gzip$/,
  /^grpc\/chain\/\d+\/traces\+batch$/,
]

/** What a scenario is promised to reach, as a multiple of the Collector's requests per CPU-second. */
export function promised({ protocol, work, items, gzip, batch }: Scenario): number | undefined {
  if (batch) return undefined
  if (gzip) return 1
  if (protocol === 'http') return 3
  if (work === 'pass') return items === 10 ? 8 : 6
  return items === 10 ? 7 : 4
}

/**
 * `words`: beginnings of names, separated by commas. What is behind a plus must be all of it: `grpc/chain` is without compression and
 * batches, `grpc/chain+gzip` with the one and without the other. `all` is everything.
 */
export function choose(words: string | undefined): readonly Scenario[] {
  if (words === undefined) return ALL.filter((scenario) => PROMISED.some((row) => row.test(nameOf(scenario))))
  if (words === 'all') return ALL
  const chosen = words.split(',').flatMap((word) => {
    const [start = '', ...additions] = word.split('+')
    const found = ALL.filter((scenario) => {
      const [name = '', ...its] = nameOf(scenario).split('+')
      return name.startsWith(start) && its.join('+') === additions.join('+')
    })
    if (found.length === 0) throw new Error(`no scenario is called ${word}; --list prints them`)
    return found
  })
  return [...new Set(chosen)]
}
