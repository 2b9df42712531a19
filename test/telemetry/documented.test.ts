import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { measuredEngine } from './measured-engine.ts'
import { rows } from './rows.ts'

/** What this engine has no occasion to measure, or this Node does not tell. */
const RARE = [
  'otelcol_process_runtime_total_alloc_bytes',
  'otelcol_processor_filter_datapoints.filtered',
  'otelcol_processor_filter_logs.filtered',
  'otelcol_processor_filter_spans.filtered',
  'otelcol_processor_memory_limiter_refused_*',
  'otelcol_processor_probabilistic_sampler_count_logs_sampled',
  'otelcol_processor_probabilistic_sampler_count_traces_sampled',
  'telegen.connector.count.overflow',
  'telegen.generator.skipped.items',
  'telegen.oidc.rejected.tokens',
  'telegen.rate_limiter.crowded.requests',
  'telegen.rate_limiter.refused.requests',
  'telegen.rate_limiter.senders',
  'telegen.scraper.skipped',
  'telegen.storage.damaged.records',
  'telegen.storage.limit',
  'telegen.storage.records',
  'telegen.storage.refused.records',
  'telegen.storage.size',
  'telegen.storage.sync.duration',
  'telegen.worker.lost.batches',
  'telegen.worker.processes',
  'telegen.worker.restarts',
  'v8js.gc.duration',
]
const nameOf = (row: string) => row.split('`')[1] as string

test('the table of docs/own-telemetry.md is what is measured', async () => {
  const page = readFileSync(new URL('../../docs/own-telemetry.md', import.meta.url), 'utf8')
  const table = page.split('\n').filter((line) => line.startsWith('| `'))
  // Its last column is prose.
  const told = table.map((line) => line.replaceAll(/ +\|/g, ' |').replace(/\| [^|]* \|$/, '|'))
  const { metrics, end } = await measuredEngine()
  const measured = rows(metrics.collect())
  await end()
  const common = (row: string) => !RARE.includes(nameOf(row))
  assert.deepEqual(told.filter(common).sort(), measured.filter(common))
  assert.deepEqual(
    told
      .map(nameOf)
      .filter((name) => RARE.includes(name))
      .sort(),
    RARE,
  )
})
