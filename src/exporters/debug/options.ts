import { Choice, Options, StringList, Type } from '../../plugin.ts'
import type { OptionFault, Static } from '../../plugin.ts'

export const options = Options({
  verbosity: Choice(['basic', 'normal', 'detailed'], {
    default: 'basic',
    description:
      '`basic`: a line for each batch; `normal`: about one for each record; `detailed`: all that is in them.',
  }),
  sampling_initial: Type.Integer({
    default: 2,
    minimum: 0,
    description: 'Batches of a signal that are shown in each second before sampling begins.',
  }),
  sampling_thereafter: Type.Integer({
    default: 1,
    minimum: 0,
    description: 'Of the others every so manieth is shown: 1 is all of them, 0 none.',
  }),
  use_internal_logger: Type.Boolean({
    default: true,
    description: "Whether it is Telegen's own log that shows them, under its levels and in its encoding.",
  }),
  output_paths: StringList({
    default: ['stdout'],
    description: 'Without the internal logger: `stdout`, `stderr`, or both.',
  }),
})
export type DebugConfig = Static<typeof options>

export function* faults({ output_paths, use_internal_logger }: DebugConfig): Iterable<OptionFault> {
  if (!use_internal_logger && output_paths.length === 0)
    yield { path: ['output_paths'], message: 'output_paths must not be empty' }
  for (const [index, path] of output_paths.entries())
    if (path !== 'stdout' && path !== 'stderr')
      yield {
        path: ['output_paths', index],
        message: `"${path}": debug writes to stdout and stderr only`,
        hint: 'the file exporter writes to files',
      }
}
