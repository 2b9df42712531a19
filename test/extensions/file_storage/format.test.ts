import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { opened, take, temporaryFolder } from './stage.ts'

/** Written once by the first version of the format, and never again: twelve records, of which 0, 1, 2 and 5 are settled, and a value. */
const SAVED = fileURLToPath(new URL('format-1', import.meta.url))

test('what format version 1 wrote can be read', async () => {
  const directory = temporaryFolder()
  cpSync(SAVED, directory, { recursive: true })
  const { storage, stop, lost } = await opened(directory)
  const queue = await storage.queue('exporter/otlp_grpc/traces', (each) => void lost.push(each))
  const found: string[] = []
  for (let record = await take(queue); record; record = await take(queue)) {
    found.push(`${record.key} ${record.items} ${record.text}`)
    queue.settle(record.key)
  }
  const kept = [3, 4, 6, 7, 8, 9, 10, 11]
  assert.deepEqual(
    found,
    kept.map((index) => `${index} ${index + 1} record ${index} ${'x'.repeat(index * 20)}`),
  )
  assert.deepEqual(lost, [])
  assert.equal(String(await (await storage.value('receiver/file_log/offsets')).read()), 'offset 2')
  await stop()
})
