import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { builtInCatalog } from '../src/builtin.ts'
import { systemClock } from '../src/component/clock.ts'
import type { Definition, Kind } from '../src/component/definition.ts'
import { KINDS } from '../src/component/definition.ts'
import { Refused } from '../src/component/refused.ts'
import { check } from '../src/config/check.ts'
import { load } from '../src/config/load.ts'
import { SIGNALS } from '../src/data/signal.ts'
import type { Signal } from '../src/data/signal.ts'
import { Graph } from '../src/graph/graph.ts'
import { Metrics } from '../src/graph/metrics.ts'
import { plan } from '../src/graph/plan.ts'
import { TestBed } from '../src/testing.ts'
import { logsRequest, profilesRequest, spansRequest } from './graph/requests.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** Which components of a kind the documentation says what they answer for. */
const answeredFor = (kind: Kind): string[] => {
  const [, holders = ''] = readFileSync(`${ROOT}docs/delivery.md`, 'utf8').split('## Holders, one by one')
  return [...holders.matchAll(/^\| (\w+?)s? (`[^|]*)\|/gm)]
    .filter(([, of]) => of === kind)
    .flatMap(([, , types = '']) => [...types.matchAll(/`(\w+)`/g)].map(([, type]) => type as string))
}
const SNAKE = /^[a-z][a-z0-9_]*$/
/** Some options are named after metrics, one of them `system.cpu.load_average.1m`. */
const OPTION = /^([a-z][a-z0-9_]*|1m|5m|15m)$/
/** What has to differ from the example so that it can run beside others, and leaves nothing behind. */
const SETS: Readonly<Record<string, readonly string[]>> = {
  'receiver otlp': ['receivers.otlp.protocols={grpc: {endpoint: "127.0.0.1:0"}, http: {endpoint: "127.0.0.1:0"}}'],
  'extension health_check': ['extensions.health_check.endpoint=127.0.0.1:0'],
  'extension file_storage': [`extensions.file_storage.directory=${mkdtempSync(join(tmpdir(), 'telegen-contract-'))}`],
  'exporter file': ['exporters.file.path=/dev/null', 'exporters.file.rotation=null'],
}
/** Built before every batch that a processor gets. */
const REQUESTS: Readonly<Partial<Record<Signal, object>>> = {
  logs: logsRequest('a'),
  traces: spansRequest('a'),
  profiles: profilesRequest(1),
  metrics: {
    resourceMetrics: [
      { scopeMetrics: [{ metrics: [{ name: 'm', gauge: { dataPoints: [{ timeUnixNano: '1', asDouble: 1 }] } }] }] },
    ],
  },
}

interface Schema {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean | Schema
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly description?: string
}

/** Every option of a schema with its path, arrays and alternatives included. */
function* options(schema: Schema, path: string): Iterable<readonly [string, Schema]> {
  for (const [name, option] of Object.entries(schema.properties ?? {})) {
    yield [`${path}.${name}`, option]
    yield* options(option, `${path}.${name}`)
  }
  for (const each of [schema.items, ...(schema.anyOf ?? []), ...Object.values(schema.patternProperties ?? {})])
    if (each) yield* options(each, path)
  if (typeof schema.additionalProperties === 'object') yield* options(schema.additionalProperties, path)
}

const isOpenMapping = (schema: Schema): boolean =>
  schema.properties !== undefined && schema.additionalProperties !== false

const folderOf = (kind: Kind, type: string) => `${ROOT}src/${kind}s/${type}`
const signalsOf = ({ kind, stability }: Definition): Signal[] =>
  kind === 'connector' || kind === 'extension' ? [] : SIGNALS.filter((signal) => signal in stability)

/** Lets the OTLP receivers of an example listen anywhere: something else may have their ports, a running Telegen for one. */
function freePorts(file: string): string[] {
  type Receivers = Readonly<Record<string, { protocols?: object } | null>>
  const { receivers } = parse(readFileSync(file, 'utf8')) as { receivers: Receivers }
  return Object.entries(receivers).flatMap(([id, receiver]) =>
    Object.keys(receiver?.protocols ?? {}).map(
      (protocol) => `receivers.${id}.protocols.${protocol}.endpoint=127.0.0.1:0`,
    ),
  )
}

async function configured(kind: Kind, type: string) {
  const file = `${folderOf(kind, type)}/example.yaml`
  const loaded = load({ configs: [file], sets: [...freePorts(file), ...(SETS[`${kind} ${type}`] ?? [])] })
  const checked = await check(loaded, builtInCatalog())
  assert.deepEqual(checked.faults, [])
  return checked.configuration as NonNullable<typeof checked.configuration>
}

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const graphOf = async (kind: Kind, type: string) =>
  new Graph(plan(await configured(kind, type)), {
    clock: systemClock,
    log: silent,
    logOf: () => silent,
    metrics: new Metrics(),
    startTime: Date.now(),
  })

/** Timers and sockets that are open now; what the test runner itself holds is there before and after. */
const handles = () => process.getActiveResourcesInfo().toSorted()

for (const kind of KINDS)
  for (const { type, load: loadDefinition, aliases = [] } of builtInCatalog().entries(kind))
    describe(`${kind} ${type}`, () => {
      test('says what it is', async () => {
        const definition = await loadDefinition()
        assert.equal(definition.kind, kind)
        assert.equal(definition.type, type)
        assert.match(type, SNAKE)
        assert.match(definition.summary, /^[A-Z].*\.$/)
        for (const alias of definition.aliases ?? [])
          assert.ok(aliases.includes(alias), `${alias} is known without loading`)
        assert.ok(Object.keys(definition.stability).length > 0)
      })

      test('describes its options, closes them, and names them in snake_case', async () => {
        const { config } = await loadDefinition()
        assert.equal(isOpenMapping(config as Schema), false)
        for (const [path, option] of options(config, type)) {
          assert.match(path.split('.').at(-1) as string, OPTION, path)
          assert.match(String(option.description), /\S.*[.:]$/s, `${path} has a description`)
          assert.equal(isOpenMapping(option), false, `${path} is closed`)
        }
      })

      test('has a README and an example that validates', async () => {
        assert.ok(existsSync(`${folderOf(kind, type)}/README.md`))
        const example = readFileSync(`${folderOf(kind, type)}/example.yaml`, 'utf8')
        assert.match(example, new RegExp(`^  ${type}(/\\w+)?:`, 'm'))
        await configured(kind, type)
      })

      if (kind !== 'extension')
        test('stands among the holders of docs/delivery.md, with what a crash costs', () =>
          assert.ok(answeredFor(kind).includes(type), `${kind}s there: ${answeredFor(kind).join(', ')}`))

      test('is created without touching anything', async () => {
        const configuration = await configured(kind, type)
        const before = handles()
        void new Graph(plan(configuration), {
          clock: systemClock,
          log: silent,
          logOf: () => silent,
          metrics: new Metrics(),
          startTime: 0,
        })
        assert.deepEqual(handles(), before)
      })

      test('leaves no handle behind after a start and a stop', async () => {
        const warm = await graphOf(kind, type)
        await warm.start()
        await warm.stop(AbortSignal.timeout(5000))
        await gone(await graphOf(kind, type))
      })

      if (kind === 'processor')
        test('passes a refusal on, and gives all bytes back', async () => {
          const definition = await loadDefinition()
          const example = parse(readFileSync(`${folderOf(kind, type)}/example.yaml`, 'utf8')) as { processors: object }
          const [body] =
            Object.entries(example.processors)
              .find(([id]) => id.split('/')[0] === type)
              ?.slice(1) ?? []
          for (const signal of signalsOf(definition)) {
            const request = REQUESTS[signal]
            if (!request) continue
            const bed = await TestBed.start(
              JSON.stringify({
                receivers: { test_source: null },
                processors: { [type]: body },
                exporters: { test_direct: null },
                service: {
                  pipelines: {
                    [signal]: { receivers: ['test_source'], processors: [type], exporters: ['test_direct'] },
                  },
                },
              }),
              {
                onSend: () => {
                  throw new Refused('no', { code: 'unavailable', retry: {} })
                },
              },
            )
            await bed
              .send(signal, request)
              .catch((error: unknown) => assert.ok(error instanceof Refused, String(error)))
            await bed.stop()
          }
        })
    })

/** Sockets close over some turns of the loop. */
async function gone(graph: Graph): Promise<void> {
  const before = handles()
  await graph.start()
  await graph.stop(AbortSignal.timeout(5000))
  for (let turn = 0; turn < 200 && String(handles()) !== String(before); turn++)
    await new Promise((resolve) => setTimeout(resolve, 5))
  const left = handles()
  for (const each of before) left.splice(left.indexOf(each), left.includes(each) ? 1 : 0)
  assert.deepEqual(left, [])
}
