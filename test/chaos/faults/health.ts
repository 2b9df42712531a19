import type { Row } from '../harness/row.ts'
import type { Scene } from '../harness/scene.ts'

/** What the health endpoint says of a dead backend: readiness follows within seconds, liveness never. */
const WITHIN_MS = 10_000
const POLL_MS = 50

const readiness = (
  name: string,
  about: string,
  dies: (scene: Scene) => Promise<unknown>,
  lives: (scene: Scene) => Promise<unknown>,
): Row => ({
  name,
  about,
  queues: ['memory', 'disk'],
  scene: { config: () => ({ exporters: { otlp_http: { timeout: '30s' } } }) },
  mayDouble: 'a hanging attempt may end either way',
  async run(scene) {
    await scene.load(1_000)
    await scene.last(1_000)
    let unlive = 0
    const watching = setInterval(() => {
      void status(scene, '/live').then((code) => (unlive += code === 200 ? 0 : 1))
    }, 200)
    scene.expect((await status(scene, '/ready')) === 200, 'not ready while all is well')
    await dies(scene)
    const red = await turns(scene, 503)
    await scene.last(1_000)
    await lives(scene)
    const green = await turns(scene, 200)
    clearInterval(watching)
    scene.strike(red === undefined ? 0 : 1, 'turns of /ready')
    scene.note(`red after ${red} ms, green after ${green} ms`)
    scene.expect(red !== undefined, `/ready was not red ${WITHIN_MS} ms after the backend's death`)
    scene.expect(green !== undefined, `/ready was not green ${WITHIN_MS} ms after the backend's return`)
    scene.expect(unlive === 0, `/live was red ${unlive} times`)
    scene.heal()
  },
})

/** Milliseconds until `/ready` answers so; undefined where it takes too long. */
async function turns(scene: Scene, code: number): Promise<number | undefined> {
  const began = performance.now()
  while (performance.now() - began < WITHIN_MS) {
    if ((await status(scene, '/ready')) === code) return Math.round(performance.now() - began)
    await scene.last(POLL_MS)
  }
  return undefined
}

const status = (scene: Scene, path: string): Promise<number> =>
  fetch(`http://127.0.0.1:${scene.ports.health}${path}`).then(
    async (answer) => {
      await answer.arrayBuffer()
      return answer.status
    },
    () => 0,
  )

export const healthRows: readonly Row[] = [
  readiness(
    'readiness-backend-down',
    'The backend goes away and returns: /ready is red within 10 s, and green within 10 s; /live stays green.',
    (scene) => scene.sink.call('down'),
    (scene) => scene.sink.call('up'),
  ),
  readiness(
    'readiness-backend-hangs',
    'The backend takes requests and does not answer, with a time-out of 30 s: the same.',
    (scene) => scene.behave({ kind: 'hang' }),
    (scene) => scene.behave({ kind: 'ok' }),
  ),
]
