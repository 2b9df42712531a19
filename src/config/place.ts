/** A spot in a source: what `file:line:column` and the code frame are printed from. Lines and columns count from 1. */
export interface Place {
  /** The file's path as given, `--set a.b`, `yaml:`, or `env:NAME`. */
  readonly source: string
  /** 0 where the whole source is meant: a file that is missing or empty. */
  readonly line: number
  readonly column: number
  /** Set where the value came from `${…}`: what stands in the file, `${env:PORT}`. The value itself is never shown. */
  readonly reference?: string
  /** Where references stand inside a longer string: the texts that were pasted, with the reference of each. Never shown either. */
  readonly pasted?: ReadonlyMap<string, string>
}

export const wholeSource = (source: string): Place => ({ source, line: 0, column: 0 })

/** A value for a message: itself in quotes, or what stands in the file where it came from `${…}`. */
export const shown = (value: string, place: Place): string => JSON.stringify(place.reference ?? value)
