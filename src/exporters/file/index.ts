import { defineExporter, DIRECT } from '../../plugin.ts'
import { fileExporter } from './file-exporter.ts'
import { faults, options } from './options.ts'

export default defineExporter({
  type: 'file',
  summary: 'Writes to a file, as lines of OTLP/JSON or as protobuf.',
  stability: { traces: 'alpha', metrics: 'alpha', logs: 'alpha', profiles: 'development' },
  scale: 'global',
  config: options,
  check: faults,
  sending: () => DIRECT,
  create: (context) => fileExporter(context),
})
