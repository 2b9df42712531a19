import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Row } from '../harness/row.ts'
import { missing } from '../harness/tools.ts'

/** The name of the backend: row 8 of the fault table. Its hosts file is its own, in a mount namespace. */
const NAME = 'backend.chaos.example'

export const dns: Row = {
  name: 'dns',
  about:
    "The backend's name cannot be resolved, then leads to a wrong address, then to the right one: followed without a restart.",
  queues: ['memory', 'disk'],
  missing: () => missing('unshare', 'mount'),
  scene: {
    idle: true,
    config: (ports) => ({ exporters: { otlp_http: { endpoint: `http://${NAME}:${ports.sink.http}` } } }),
  },
  async run(scene) {
    const hosts = join(scene.directory, 'hosts')
    mkdirSync(scene.directory, { recursive: true })
    const name = (address?: string) =>
      writeFileSync(hosts, `127.0.0.1 localhost\n${address ? `${address} ${NAME}\n` : ''}`)
    name()
    scene.telegen.options = {
      ...scene.telegen.options,
      under: ['unshare', '--mount', 'sh', '-c', `mount --bind ${hosts} /etc/hosts && exec "$@"`, 'sh'],
    }
    await scene.telegen.start()
    await scene.load(2_000)
    for (const address of [undefined, '127.0.0.9', undefined]) {
      name(address)
      await scene.last(2_500)
      scene.strike(1, 'wrong answers for the name')
    }
    scene.expect((await scene.sink.call('taken')) === 0, 'data came though the name led nowhere')
    name('127.0.0.1')
    scene.heal()
    await scene.last(500)
  },
}
