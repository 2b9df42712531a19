import type { Row } from '../harness/row.ts'

/** A long outage under load, measured: memory while it lasts, and how fast the backlog drains. */
const RATE = 10_000
const SIZE = 512
const MEBIBYTE = 2 ** 20
/** Above what the signal's budget may hold. */
const ALLOWANCE = 100
const BUDGET = 64
const DRAINS = 5
const DRAIN_MS = 900_000

export const outage: Row = {
  name: 'outage',
  about:
    'A backend away for minutes at 10,000 spans a second: memory stays flat, everything arrives, five times as fast as it came.',
  queues: ['disk'],
  alone: true,
  scene: {
    size: SIZE,
    config: () => ({ service: { limits: { traces: `${BUDGET}MiB` } } }),
  },
  async run(scene) {
    await scene.load(RATE)
    await scene.last(5_000)
    const base = scene.telegen.memory
    await scene.sink.call('down')
    const memory: number[] = []
    const seconds = scene.minutes * 60
    for (let second = 0; second < seconds; second++) {
      await scene.last(1_000)
      memory.push(Math.round(scene.telegen.memory / MEBIBYTE))
    }
    scene.strike(await scene.refusedConnections(scene.ports.sink.http), 'connections of the harness refused')
    await scene.generator.call('stop')
    const { size, acknowledged, answers } = await scene.generator.call('ledger')
    const waited = await scene.sink.call('missing', { size, acknowledged })
    await scene.sink.call('up')
    // The backend is found within seconds; the drain is what follows.
    for (
      const before = await scene.sink.call('taken');
      (await scene.sink.call('taken')) === before;
      await scene.last(10)
    );
    const began = performance.now()
    let missing = waited
    for (; missing > 0 && performance.now() - began < DRAIN_MS; await scene.last(50))
      missing = await scene.sink.call('missing', { size, acknowledged })
    const rate = Math.round(waited / ((performance.now() - began) / 1000))
    const most = Math.max(...memory)
    scene.note(
      `anonymous memory ${Math.round(base / MEBIBYTE)} MiB before, at most ${most} MiB; ${every(memory, 10).join(' ')}`,
    )
    scene.note(
      `answers ${JSON.stringify(answers)}; ${waited} waited, ${rate} a second drained: ${(rate / RATE).toFixed(1)} times the arrival`,
    )
    scene.expect(most <= BUDGET + ALLOWANCE + base / MEBIBYTE, `${most} MiB of anonymous memory`)
    scene.expect(rate >= DRAINS * RATE, `only ${rate} records a second drained`)
    await scene.load(RATE)
    scene.heal()
    await scene.last(1_000)
  },
}

/** About so many of them. */
const every = (values: readonly number[], count: number) =>
  values.filter((_, index) => index % Math.ceil(values.length / count) === 0)
