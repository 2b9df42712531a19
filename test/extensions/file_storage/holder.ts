/** Has the storage in a directory. `node holder.ts DIRECTORY COUNT`: appends so many records, says the number of each that is acknowledged, and stays. */
import { systemClock } from '../../../src/component/clock.ts'
import { fileStorage } from '../../../src/extensions/file_storage/file-storage.ts'
import { TestContext } from '../../component/test-context.ts'

const [directory = '', count = '0'] = process.argv.slice(2)
const config = {
  directory,
  create_directory: true,
  directory_permissions: '0750',
  timeout: 0,
  fsync: true,
  max_size: 1024 * 1024 * 1024,
  segment_size: 64 * 1024,
}
const context = Object.assign(new TestContext('file_storage', config), { clock: systemClock })
const extension = fileStorage(context as never)
await extension.start?.()
const queue = await extension.storage.queue('exporter/test/traces')
process.stdout.write(`ready ${process.pid}\n`)
for (let index = 0; index < Number(count); index++) {
  try {
    await queue.append([Buffer.from(`${index}:${'x'.repeat(5_000)}`)], 1)
    process.stdout.write(`acknowledged ${index}\n`)
  } catch (error) {
    process.stdout.write(`refused ${index} ${(error as Error).message}\n`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
setInterval(() => queue.records, 1_000)
