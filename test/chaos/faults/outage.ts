import type { Row } from '../harness/row.ts'

/** A long outage under load, measured: memory while it lasts, and how fast the backlog drains. */
const RATE = 10_000
const SIZE = 512
const MEBIBYTE = 2 ** 20
/** Of the signal, and what the process may have beside it. */
const BUDGET = 64
const ALLOWANCE = 100
const DRAINS = 5
/** Less of what was to come proves nothing of the rate. */
const ARRIVED = 0.95
const DRAIN_MS = 900_000

export const outage: Row = {
  name: 'outage',
  about:
    'A backend away for minutes at 10,000 spans a second: memory stays flat, also while it drains; everything arrives, five times as fast as it came.',
  queues: ['disk'],
  alone: true,
  scene: {
    size: SIZE,
    config: () => ({ service: { limits: { traces: `${BUDGET}MiB` } } }),
  },
  async run(scene) {
    await scene.load(RATE)
    await scene.last(5_000)
    const mebibytes = () => Math.round(scene.telegen.memory / MEBIBYTE)
    const base = mebibytes()
    await scene.sink.call('down')
    const memory: number[] = []
    const seconds = scene.minutes * 60
    for (let second = 0; second < seconds; second++) {
      await scene.last(1_000)
      memory.push(mebibytes())
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
    const draining: number[] = []
    for (let missing = waited; missing > 0 && performance.now() - began < DRAIN_MS; await scene.last(50)) {
      missing = await scene.sink.call('missing', { size, acknowledged })
      draining.push(mebibytes())
    }
    const rate = Math.round(waited / ((performance.now() - began) / 1000))
    const most = Math.max(...memory, ...draining)
    scene.note(
      `anonymous memory ${base} MiB before, ${Math.max(...memory)} MiB at most meanwhile, ${Math.max(...draining)} MiB while it drained; ${every(memory, 10).join(' ')}`,
    )
    scene.note(
      `answers ${JSON.stringify(answers)}; ${waited} waited, ${rate} a second drained: ${(rate / RATE).toFixed(1)} times the arrival`,
    )
    scene.expect(waited >= ARRIVED * RATE * seconds, `only ${waited} records came in ${seconds} s`)
    scene.expect(most <= BUDGET + ALLOWANCE, `${most} MiB of anonymous memory`)
    scene.expect(rate >= DRAINS * RATE, `only ${rate} records a second drained`)
    await scene.load(RATE)
    scene.heal()
    await scene.last(1_000)
  },
}

/** About so many of them. */
const every = (values: readonly number[], count: number) =>
  values.filter((_, index) => index % Math.ceil(values.length / count) === 0)
