import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { builtInCatalog } from '../../src/builtin.ts'
import { check } from '../../src/config/check.ts'
import type { Configuration } from '../../src/config/configuration.ts'
import { load } from '../../src/config/load.ts'
import { divide } from '../../src/graph/division.ts'
import { plan } from '../../src/graph/plan.ts'

async function configured(yaml: string): Promise<Configuration> {
  const loaded = load({ configs: [`yaml:${yaml}`] })
  const { configuration, faults } = await check(loaded, builtInCatalog(), { machine: false })
  assert.deepEqual(faults, [])
  return configuration as Configuration
}

const divided = async (yaml: string, workers = 4) => divide(await configured(yaml), workers, true)

interface Queued {
  readonly sending_queue: { readonly queue_size: number; readonly num_consumers: number }
}

const queueOf = ({ exporters }: Configuration) =>
  (exporters.get('otlp_grpc') as { config: Queued } | undefined)!.config.sending_queue

const OTLP = 'otlp: { protocols: { grpc: { endpoint: "127.0.0.1:4317" }, http: { endpoint: "127.0.0.1:4318" } } }'
const GRPC = 'otlp_grpc: { endpoint: "localhost:1", sending_queue: { queue_size: 1000, num_consumers: 10 } }'

describe('a configuration that is divided over processes', () => {
  test('is itself where there is one', async () => {
    const configuration = await configured(`
      receivers: { ${OTLP} }
      exporters: { ${GRPC} }
      service: { pipelines: { traces: { receivers: [otlp], exporters: [otlp_grpc] } } }`)
    const { first, processes, other } = divide(configuration, 1, true)
    assert.equal(first, configuration)
    assert.equal(processes, 1)
    assert.deepEqual(other.service.pipelines, [])
  })

  test('has its pipelines in all, and its amounts shared out', async () => {
    const { first, other, processes, copied, pinned, shared } = await divided(`
      receivers: { ${OTLP} }
      processors: { batch: , memory_limiter: { check_interval: 1s, limit_mib: 800, spike_limit_mib: 200 } }
      exporters: { ${GRPC} }
      service:
        limits: { traces: 64MiB }
        pipelines: { traces: { receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlp_grpc] } }`)
    assert.equal(processes, 4)
    assert.deepEqual(copied, ['traces'])
    assert.equal(pinned.size, 0)
    assert.deepEqual(shared, ['tcp://127.0.0.1:4317', 'tcp://127.0.0.1:4318'])
    for (const part of [first, other]) {
      assert.equal(part.service.limits.traces, 16 * 2 ** 20)
      const { queue_size, num_consumers } = queueOf(part)
      assert.deepEqual([queue_size, num_consumers], [250, 3])
      const limiter = part.processors.get('memory_limiter')?.config as { limit_mib: number; spike_limit_mib: number }
      assert.deepEqual([limiter.limit_mib, limiter.spike_limit_mib], [200, 50])
    }
    assert.equal(first.service.limits.logs, 256 * 2 ** 20)
    assert.equal(other.service.limits.logs, 1)
    assert.deepEqual(
      plan(other).receivers.map(({ id }) => id),
      ['otlp'],
    )
  })

  test('shares out no queue below what its batches need', async () => {
    const { other } = await divided(`
      receivers: { ${OTLP} }
      exporters:
        otlp_grpc: { endpoint: "localhost:1", sending_queue: { sizer: items, queue_size: 10000, batch: { min_size: 8000 } } }
      service: { pipelines: { traces: { receivers: [otlp], exporters: [otlp_grpc] } } }`)
    assert.equal(queueOf(other).queue_size, 8000)
  })

  test('leaves receivers that exist once in the first, and takes the others of the same pipeline along', async () => {
    const { first, other, copied } = await divided(`
      receivers: { ${OTLP} , telegen: }
      exporters: { ${GRPC} }
      service: { pipelines: { metrics: { receivers: [otlp, telegen], exporters: [otlp_grpc] } } }`)
    assert.deepEqual(copied, ['metrics'])
    assert.deepEqual(other.service.pipelines[0]?.receivers, ['otlp'])
    assert.deepEqual(first.service.pipelines[0]?.receivers, ['otlp', 'telegen'])
  })

  test('keeps a receiver in the first that leads to a stage that exists once, in whichever pipeline', async () => {
    const { processes, pinned } = await divided(`
      receivers: { ${OTLP} }
      exporters: { ${GRPC} , file: { path: /tmp/x } }
      service:
        pipelines:
          traces: { receivers: [otlp], exporters: [otlp_grpc] }
          logs: { receivers: [otlp], exporters: [file] }`)
    assert.equal(processes, 1)
    assert.equal(pinned.get('traces'), 'receiver "otlp" leads to pipeline "logs", and exporter "file" exists once')
    assert.equal(pinned.get('logs'), 'exporter "file" exists once')
  })

  test('looks through connectors', async () => {
    const { copied, pinned } = await divided(`
      receivers: { ${OTLP} , otlp/two: { protocols: { http: { endpoint: "127.0.0.1:5318" } } } }
      connectors: { forward: , forward/kept: }
      exporters: { ${GRPC} , file: { path: /tmp/x } }
      service:
        pipelines:
          traces: { receivers: [otlp], exporters: [forward] }
          traces/out: { receivers: [forward], exporters: [otlp_grpc] }
          logs: { receivers: [otlp/two], exporters: [forward/kept] }
          logs/out: { receivers: [forward/kept], exporters: [file] }`)
    assert.deepEqual(copied, ['traces', 'traces/out'])
    assert.equal(
      pinned.get('logs'),
      'connector "forward/kept" leads to pipeline "logs/out", and exporter "file" exists once',
    )
  })

  test('keeps what needs an extension that exists once, and gives each process those that may be copied', async () => {
    const { processes, pinned } = await divided(`
      extensions: { file_storage: { directory: /tmp } }
      receivers: { ${OTLP} }
      exporters: { otlp_grpc: { endpoint: "localhost:1", sending_queue: { storage: file_storage } } }
      service:
        extensions: [file_storage]
        pipelines: { traces: { receivers: [otlp], exporters: [otlp_grpc] } }`)
    assert.equal(processes, 1)
    assert.equal(pinned.get('traces'), 'the queue of exporter "otlp_grpc" on disk exists once')
    const { other } = await divided(`
      extensions: { basicauth: { htpasswd: { inline: "a:b" } }, health_check: }
      receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:4318", auth: { authenticator: basicauth } } } } }
      exporters: { ${GRPC} }
      service:
        extensions: [health_check, basicauth]
        pipelines: { traces: { receivers: [otlp], exporters: [otlp_grpc] } }`)
    assert.deepEqual(other.service.extensions, ['basicauth'])
  })

  test('keeps receivers whose address one process alone can have', async () => {
    const at = async (protocols: string) => {
      const { pinned } = await divided(`
        receivers: { otlp: { protocols: ${protocols} } }
        exporters: { ${GRPC} }
        service: { pipelines: { traces: { receivers: [otlp], exporters: [otlp_grpc] } } }`)
      return pinned.get('traces')
    }
    assert.match(
      (await at('{ grpc: { endpoint: /tmp/otlp.sock, transport: unix } }')) ?? '',
      /otlp\.sock, which one process alone can/,
    )
    assert.match((await at('{ http: { endpoint: "127.0.0.1:0" } }')) ?? '', /lets the system choose its port/)
  })

  test('is whole where the system cannot share an address', async () => {
    const configuration = await configured(`
      receivers: { ${OTLP} }
      exporters: { ${GRPC} }
      service: { pipelines: { traces: { receivers: [otlp], exporters: [otlp_grpc] } } }`)
    const { processes, pinned } = divide(configuration, 2, false)
    assert.equal(processes, 1)
    assert.match(pinned.get('traces') ?? '', /does not let several processes listen/)
  })
})
