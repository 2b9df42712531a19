import { parentPort, workerData } from 'node:worker_threads'
import { loadAddon } from '../../native.ts'
import { systemClock } from '../../plugin.ts'
import { KernelClock } from './clock.ts'
import type { ToWorker, WorkerStart } from './messages.ts'
import { Session } from './session.ts'
import { sessionProcesses } from './session-processes.ts'
import { tracer } from './tracers.ts'

// What the receiver starts as a thread of its own, so that the ring is read whatever the others do.
const port = parentPort
if (port === null) throw new Error('this is started by the receiver ebpf, as a thread')

const start = workerData as WorkerStart
const loaded = loadAddon()
if (loaded.kind === 'unavailable') throw new Error(loaded.reason)
const { addon } = loaded

const definitions = await Promise.all(
  start.tracers.map(async ({ name, options }) => ({ definition: await tracer(name), options })),
)
const session = new Session(start, {
  ring: new addon.Ring(start.ring),
  processes: sessionProcesses(start),
  clock: systemClock,
  kernelClock: new KernelClock(),
  definitions,
  version: addon.versions.addon,
  post: (message, transfer = []) => {
    port.postMessage(message, transfer)
    // Nothing is heard any more, and the thread ends.
    if (message.kind === 'ended') port.close()
  },
})
port.on('message', (message: ToWorker) => session.hear(message))
session.start()
