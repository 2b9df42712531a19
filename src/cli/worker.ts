import { builtInCatalog } from '../builtin.ts'
import { serveAsWorker } from '../service/workers/serve.ts'
import { logger } from './logger.ts'

// What the first process forks for each worker; nobody calls it.
if (process.send === undefined) {
  process.stderr.write('Error: workers are started by telegen itself, as many as service::workers says\n')
  process.exit(2)
}
process.title = 'telegen worker'
process.exit(await serveAsWorker({ catalog: builtInCatalog, logger }))
