import type { CommandDescription } from '../commands.ts'

/** What a completion script is made of: the command line's own table, and what `--set` may begin with. */
export interface Completed {
  readonly commands: readonly CommandDescription[]
  readonly settings: readonly string[]
}
