import type { Row } from '../harness/row.ts'

const both = ['memory', 'disk'] as const
const RATE = 5_000

export const backendDown: Row = {
  name: 'backend-down',
  about: 'Nobody listens where the backend was: what was acknowledged waits and arrives when it is back.',
  queues: both,
  short: both,
  async run(scene) {
    await scene.load(RATE)
    await scene.last(500)
    await scene.sink.call('down')
    await scene.last(scene.long ? 20_000 : 1_500)
    scene.strike(await scene.refusedConnections(scene.ports.sink.http), 'connections refused to the harness too')
    await scene.sink.call('up')
    scene.heal()
    await scene.last(500)
  },
}

export const backendHangs: Row = {
  name: 'backend-hangs',
  about: 'The backend takes requests and never answers: attempts time out, and the end of the process is not held up.',
  queues: both,
  short: ['memory'],
  async run(scene) {
    await scene.load(RATE)
    await scene.last(500)
    await scene.behave({ kind: 'hang' })
    await scene.last(scene.long ? 20_000 : 3_000)
    scene.strike(await scene.struckSink('hang'), 'requests never answered')
    await scene.behave({ kind: 'ok' })
    scene.heal()
  },
}
