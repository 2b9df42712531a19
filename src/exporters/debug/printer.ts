import type { Writable } from 'node:stream'
import { resourcesOf, SIGNALS, tally, toObject } from '../../plugin.ts'
import type { Batch, Exporter, ExporterContext, Signal } from '../../plugin.ts'
import { detailedLines } from './detailed.ts'
import { normalLines } from './normal.ts'
import type { DebugConfig } from './options.ts'
import { logOutput, streamOutput } from './output.ts'
import type { Output } from './output.ts'
import { Sampler } from './sampler.ts'

/** Characters of text that are put together before they are written. */
const PIECE = 16 * 1024

/** Shows what comes. `streams`: what `stdout` and `stderr` are. */
export function printer(
  context: ExporterContext<DebugConfig>,
  streams: Readonly<Record<string, Writable>> = { stdout: process.stdout, stderr: process.stderr },
): Exporter {
  const { config, clock, log } = context
  const output = config.use_internal_logger
    ? logOutput(log)
    : streamOutput(config.output_paths.map((path) => streams[path] as Writable))
  const samplers = new Map(
    SIGNALS.map((signal) => [signal, new Sampler(clock, config.sampling_initial, config.sampling_thereafter)]),
  )
  return {
    start: async () => output.open(),
    stop: async () => output.close(),
    async send(batch, { abort }) {
      if (!samplers.get(batch.signal)?.passes()) return
      await output.line(TITLES[batch.signal], countsOf(batch), abort)
      // Profiles point into a dictionary, which nothing here can read yet.
      if (config.verbosity === 'basic' || batch.signal === 'profiles') return
      await print(batch, config.verbosity === 'normal' ? normalLines : detailedLines, output, abort)
    },
  }
}

const TITLES: Readonly<Record<Signal, string>> = {
  traces: 'Traces',
  metrics: 'Metrics',
  logs: 'Logs',
  profiles: 'Profiles',
}

function countsOf(batch: Batch): Record<string, number> {
  const { resources, records } = tally(batch)
  switch (batch.signal) {
    case 'traces':
      return { 'resource spans': resources, spans: batch.items }
    case 'metrics':
      return { 'resource metrics': resources, metrics: records, 'data points': batch.items }
    case 'logs':
      return { 'resource logs': resources, 'log records': batch.items }
    case 'profiles':
      return { 'resource profiles': resources, 'sample records': batch.items }
  }
}

/** Resource by resource, piece by piece: neither all objects nor all text of a batch are ever there at once. */
async function print(batch: Batch, linesOf: typeof normalLines, output: Output, abort: AbortSignal): Promise<void> {
  let piece = ''
  let index = 0
  for (const resource of resourcesOf(batch)) {
    for (const line of linesOf(batch.signal, toObject(resource, batch.signal), index++)) {
      piece += `${line}\n`
      if (piece.length < PIECE) continue
      await output.text(piece, false, abort)
      piece = ''
    }
  }
  await output.text(piece, true, abort)
}
