import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { loadAddon } from '../../../src/native/load-addon.ts'
import type { ProbePlace } from '../../../src/native/loader.ts'
import { separatedLoader } from '../../../src/native/separated/separated-loader.ts'
import { PROBES } from './ground.ts'

/**
 * An agent without privileges: `agent-process.ts SOCKET`. Loads the probes with statistics, then does what it reads line by line, and answers
 * each in a line of JSON.
 */
const [socket] = process.argv.slice(2)
const native = loadAddon()
if (native.kind !== 'loaded' || socket === undefined) throw new Error('no addon')
const { addon } = native
addon.privileges.noNewPrivileges()

const tell = (told: object): void => void writeSync(1, `${JSON.stringify(told)}\n`)
const log = { info: (_: object, message: string) => tell({ said: message }), debug() {} }
const loader = separatedLoader({ addon, socket, statistics: true, log })

type Order =
  | { readonly do: 'attach'; readonly place: ProbePlace }
  | { readonly do: 'detach'; readonly handle: number }
  | { readonly do: 'look' }

try {
  const tracer = await loader.load(PROBES)
  tell({ loaded: tracer.rung, capabilities: addon.privileges.effective(), uid: process.getuid?.() })
  const look = async (): Promise<object> => {
    const { values } = await tracer.read('runs', 2, false)
    return { runs: Number(values.readBigUInt64LE(8)), programs: await tracer.programs() }
  }
  const obey = async (order: Order): Promise<object> => {
    if (order.do === 'attach') return { attached: await tracer.attach('on_functions', order.place) }
    if (order.do === 'look') return look()
    await tracer.detach(order.handle)
    return { detached: order.handle }
  }
  for await (const line of createInterface({ input: process.stdin }))
    tell(await obey(JSON.parse(line) as Order).catch((error: Error) => ({ failed: error.message })))
} catch (thrown) {
  tell({ failed: (thrown as Error).message })
}
await loader.close()
