/** A spot in a source: what `file:line:column` and the code frame are printed from. Lines and columns count from 1. */
export interface Place {
  /** The file's path as given, `--set`, `yaml:`, or `env:NAME`. */
  readonly source: string
  readonly line: number
  readonly column: number
  /** Set where the value came from `${…}`: the reference as written, `${env:PORT}`. Its value is never shown. */
  readonly reference?: string
}
