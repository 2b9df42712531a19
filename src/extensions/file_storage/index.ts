import { defineExtension, Storage } from '../../plugin.ts'
import { fileStorage } from './file-storage.ts'
import { faults, inspect, options } from './options.ts'

export default defineExtension({
  type: 'file_storage',
  summary: 'Keeps queues and values on disk, so that they outlive the process.',
  stability: { extension: 'alpha' },
  scale: 'global',
  config: options,
  check: faults,
  inspect,
  offers: () => [Storage],
  create: (context) => fileStorage(context),
})
