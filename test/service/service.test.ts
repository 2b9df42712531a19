import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { builtInCatalog } from '../../src/builtin.ts'
import { systemClock } from '../../src/component/clock.ts'
import type { LogLevel } from '../../src/component/control.ts'
import { check } from '../../src/config/check.ts'
import type { Configuration } from '../../src/config/configuration.ts'
import { load } from '../../src/config/load.ts'
import { Service } from '../../src/service/service.ts'
import type { ServiceLog } from '../../src/service/service.ts'
import { freePorts } from '../free-ports.ts'
import { Lives } from '../graph/reload/lives.ts'

interface Line {
  readonly level: LogLevel
  readonly message: string
}

class TestLog implements ServiceLog {
  level: LogLevel = 'info'
  readonly lines: Line[] = []

  child(): TestLog {
    return this
  }
  debug(_: object, message: string): void {
    this.lines.push({ level: 'debug', message })
  }
  info(_: object, message: string): void {
    this.lines.push({ level: 'info', message })
  }
  warn(_: object, message: string): void {
    this.lines.push({ level: 'warn', message })
  }
  error(_: object, message: string): void {
    this.lines.push({ level: 'error', message })
  }
}

const withSinks = (sinks: string, telemetry = 'metrics: { level: none }') => `
receivers:
  nop:
exporters:
  ${sinks}
service:
  telemetry: { ${telemetry} }
  pipelines:
    logs:
      receivers: [nop]
      exporters: [life_sink]
`

/** A service whose configuration is a file that the test may write anew. */
async function running(context: TestContext, first: string) {
  const folder = await mkdtemp(join(tmpdir(), 'telegen-service-'))
  const path = join(folder, 'agent.yaml')
  const lives = new Lives()
  const log = new TestLog()
  const definitions = lives.definitions()
  let reads = 0
  const read = async () => {
    reads++
    const catalog = builtInCatalog()
    for (const definition of definitions) catalog.addPlugin(definition, 'test')
    const loaded = load({ configs: [path] })
    return { loaded, catalog, checked: await check(loaded, catalog, { machine: false }) }
  }
  const write = (text: string) => writeFile(path, text)
  await write(first)
  const accepted = await read()
  const configuration = accepted.checked.configuration as Configuration
  assert.ok(configuration, JSON.stringify(accepted.checked.faults))
  const logger = () => log
  const service = new Service({
    first: { ...accepted, configuration },
    read,
    version: 'test',
    clock: systemClock,
    logger,
  })
  await service.start(new AbortController().signal)
  lives.told()
  context.after(async () => {
    await service.stop(AbortSignal.timeout(1_000))
    await rm(folder, { recursive: true })
  })
  return { service, lives, log, path, write, reads: () => reads }
}

describe('a service', () => {
  test('leaves everything alone where the configuration is the same, in other words', async (context) => {
    const { service, lives, write, path } = await running(context, withSinks('life_sink: { mark: a }'))
    await write(`# a comment\n${withSinks('life_sink:\n    mark: "a"')}`)
    const { outcome, faults } = await service.reload()
    assert.equal(outcome, 'unchanged')
    assert.deepEqual(faults, [])
    assert.deepEqual(lives.told(), [])
    assert.ok(service.sources.files.has(path))
  })

  test('reports what it started, stopped and kept', async (context) => {
    const { service, write } = await running(context, withSinks('life_sink: { mark: a }'))
    await write(withSinks('life_sink: { mark: b }'))
    const report = await service.reload()
    assert.equal(report.outcome, 'reloaded')
    assert.deepEqual(report.started, ['exporter life_sink'])
    assert.deepEqual(report.stopped, ['exporter life_sink'])
    assert.deepEqual(report.kept, ['receiver nop'])
    assert.equal(service.lastReload, report)
    assert.equal(service.metrics.total('telegen.config.reload'), 0, 'nothing is measured at level none')
  })

  test('refuses a faulty configuration with the place of each fault and runs on', async (context) => {
    const { service, lives, log, write, path } = await running(
      context,
      withSinks('life_sink: { mark: a }', 'metrics: { level: basic, readers: [] }'),
    )
    await write(withSinks('life_sink: { mrak: a }'))
    const { outcome, faults } = await service.reload()
    assert.equal(outcome, 'refused')
    assert.equal(faults.length, 1)
    assert.match(faults[0] as string, /^.+agent\.yaml:5:16: exporters::life_sink.*: .*mrak/)
    assert.ok((faults[0] as string).startsWith(path))
    assert.deepEqual(lives.told(), [])
    assert.ok(log.lines.some(({ level, message }) => level === 'error' && message.includes('is refused')))
    assert.equal(service.metrics.total('telegen.config.reload', { outcome: 'refused' }), 1)
    assert.equal(service.metrics.total('telegen.config.last_reload.success'), 0)
    await write(withSinks('life_sink: { mark: a }', 'metrics: { level: basic, readers: [] }'))
    assert.equal((await service.reload()).outcome, 'unchanged')
    assert.equal(service.metrics.total('telegen.config.last_reload.success'), 1)
  })

  test('refuses what cannot be created, with the place of the component', async (context) => {
    const { service, lives, write } = await running(context, withSinks('life_sink: { mark: a }'))
    lives.failing.set('create life_sink', Infinity)
    await write(withSinks('life_sink: { mark: b }'))
    const { outcome, faults } = await service.reload()
    assert.equal(outcome, 'refused')
    assert.match(faults.join(), /agent\.yaml:5:3: exporters::life_sink: .*is not to be made/)
    assert.ok(service.graph.isWhole)
  })

  test('goes back where a part does not start', async (context) => {
    const { service, lives, write } = await running(context, withSinks('life_sink: { mark: a }'))
    lives.failing.set('life_sink', 1)
    await write(withSinks('life_sink: { mark: b }'))
    const { outcome, faults } = await service.reload()
    assert.equal(outcome, 'rolled_back')
    assert.deepEqual(faults, ['failed to start "life_sink" exporter: life_sink does not start'])
    assert.ok(service.graph.isWhole)
    assert.equal((await service.reload()).outcome, 'reloaded')
  })

  test('reloads once more for all who ask while it reloads', async (context) => {
    const { service, reads } = await running(context, withSinks('life_sink: { mark: a }'))
    const before = reads()
    const first = service.reload()
    await new Promise((resolve) => setImmediate(resolve))
    const others = Array.from({ length: 20 }, () => service.reload())
    const reports = await Promise.all([first, ...others])
    assert.equal(reads() - before, 2)
    assert.equal(new Set(reports).size, 2)
  })

  test('changes the level of its log at once, and names what needs a restart', async (context) => {
    const { service, log, write } = await running(context, withSinks('life_sink:', 'metrics: { level: none }'))
    await write(
      withSinks(
        'life_sink:',
        'metrics: { level: basic, readers: [] }, logs: { level: debug }, resource: { site: north }',
      ),
    )
    const { outcome, needsRestart } = await service.reload()
    assert.equal(outcome, 'reloaded')
    assert.equal(log.level, 'debug')
    assert.deepEqual(needsRestart, ['service::telemetry::metrics::level', 'service::telemetry::resource'])
    assert.deepEqual((await service.reload()).needsRestart, needsRestart, 'still, at the next one')
  })

  test('moves the address at which its metrics are read, and back where the new one is taken', async (context) => {
    const [one, two, taken] = (await freePorts(3)) as [number, number, number]
    const reading = (port: number) =>
      withSinks(
        'life_sink:',
        `metrics: { readers: [{ pull: { exporter: { prometheus: { host: 127.0.0.1, port: ${port} } } } }] }`,
      )
    // Each time by a connection of its own: a kept one may be to the server that was there before.
    const answers = async (port: number) =>
      fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: 'close' } }).then(
        async (response) => (await response.text()) !== '',
        () => false,
      )
    const { service, write } = await running(context, reading(one))
    await write(reading(two))
    assert.equal((await service.reload()).outcome, 'reloaded')
    assert.deepEqual([await answers(one), await answers(two)], [false, true])
    const { createServer } = await import('node:net')
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(taken, '127.0.0.1', resolve))
    await write(reading(taken))
    const { outcome, faults } = await service.reload()
    other.close()
    assert.equal(outcome, 'rolled_back')
    assert.match(faults.join(), /address already in use/)
    assert.ok(await answers(two))
  })

  test('refuses to reload once it stops', async (context) => {
    const { service } = await running(context, withSinks('life_sink:'))
    await service.stop(AbortSignal.timeout(1_000))
    const { outcome, faults } = await service.reload()
    assert.equal(outcome, 'refused')
    assert.deepEqual(faults, ['Telegen is stopping'])
  })
})
