import type { TracerDefinition } from '../../tracer.ts'
import { ARGUMENT_BYTES_MAX } from './event.ts'
import { ExecTracer } from './exec-tracer.ts'
import type { ExecOptions } from './options.ts'
import { rungs } from './rungs.ts'

/** Processes that start and end. */
export const exec: TracerDefinition<ExecOptions> = {
  name: 'exec',
  rungs,
  isFollowed: true,
  signals: () => ['logs'],
  constants: ({ argument_size, forks }) => ({
    argument_bytes: new Uint8Array(Uint32Array.of(Math.min(argument_size, ARGUMENT_BYTES_MAX)).buffer),
    forks: Uint8Array.of(forks ? 1 : 0),
  }),
  mapSizes: () => ({}),
  create: (context, options) => new ExecTracer(context, options),
}
