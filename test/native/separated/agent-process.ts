import { writeSync } from 'node:fs'
import { loadAddon } from '../../../src/native/load-addon.ts'
import { separatedLoader } from '../../../src/native/separated/separated-loader.ts'

/**
 * An agent without privileges, as a process of its own: `agent-process.ts SOCKET`. Has the tracer exec loaded, and tells in lines of JSON what
 * became of it; loads anew whenever it was lost.
 */
const [socket] = process.argv.slice(2)
const loaded = loadAddon()
if (loaded.kind !== 'loaded' || socket === undefined) throw new Error('no addon')
const { addon } = loaded
addon.privileges.noNewPrivileges()

const RING_BYTES = 1 << 20
const RETRY = 50
const tell = (told: object): void => void writeSync(1, `${JSON.stringify(told)}\n`)
const loader = separatedLoader({ addon, socket })
const target = new Uint8Array(256 * 1024)
let pace: NodeJS.Timeout | undefined

loader.onLost((reason) => {
  tell({ lost: reason.message })
  clearInterval(pace)
  setTimeout(trace, RETRY)
})

async function trace(): Promise<void> {
  try {
    const { descriptor } = await loader.ring(RING_BYTES)
    const ring = new addon.Ring(descriptor)
    const tracer = await loader.load({
      tracer: 'exec',
      rungs: [{ name: 'tp_btf', needs: ['ringbuf', 'tp_btf'], object: 'exec/tp_btf' }],
      constants: {},
      mapSizes: {},
    })
    const programs = (await tracer.programs()).map(({ id }) => id)
    tell({ loaded: tracer.rung, programs, capabilities: addon.privileges.effective(), uid: process.getuid?.() })
    pace = setInterval(() => {
      const bytes = ring.drain(target)
      // Names of processes stand in the events as they are.
      if (bytes > 0) tell({ events: Buffer.from(target.subarray(0, bytes)).toString('latin1') })
    }, 20)
  } catch (thrown) {
    tell({ failed: (thrown as Error).message })
    setTimeout(trace, RETRY)
  }
}

void trace()
