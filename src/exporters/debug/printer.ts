import type { Writable } from 'node:stream'
import { dictionaryOf, resourcesOf, SIGNALS, tally, toObject } from '../../plugin.ts'
import type { Batch, Exporter, ExporterContext, Signal } from '../../plugin.ts'
import { detailedLines } from './detailed.ts'
import { normalLines } from './normal.ts'
import type { DebugConfig } from './options.ts'
import { logOutput, streamOutput } from './output.ts'
import type { Output } from './output.ts'
import { dictionaryLines, looked } from './profiles.ts'
import { Sampler } from './sampler.ts'
import { objectIn } from './text.ts'

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
      if (config.verbosity === 'basic') return
      await print(linesOf(batch, config.verbosity), output, abort)
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

/** Resource by resource: all objects of a batch are never there at once, but for the dictionary of profiles. */
function* linesOf(batch: Batch, verbosity: 'normal' | 'detailed'): Iterable<string> {
  const { signal } = batch
  const lines = verbosity === 'normal' ? normalLines : detailedLines
  const dictionary = signal === 'profiles' ? objectIn(toObject(dictionaryOf(batch), signal)['dictionary']) : undefined
  if (dictionary && verbosity === 'detailed') yield* dictionaryLines(dictionary)
  let index = 0
  for (const resource of resourcesOf(batch)) {
    const request = toObject(resource, signal)
    yield* lines(signal, dictionary ? looked(request, dictionary) : request, index++)
  }
}

/** Piece by piece: the text of a batch is never there as a whole. */
async function print(lines: Iterable<string>, output: Output, abort: AbortSignal): Promise<void> {
  let piece = ''
  for (const line of lines) {
    piece += `${line}\n`
    if (piece.length < PIECE) continue
    await output.text(piece, false, abort)
    piece = ''
  }
  await output.text(piece, true, abort)
}
