import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { TestBed } from '../../src/testing.ts'
import { findCollector } from '../e2e/collector.ts'
import { freePorts } from '../free-ports.ts'
import { logsRequest } from '../graph/requests.ts'
import { Authority, withoutOpenssl } from '../transport/certificates.ts'
import { disposing } from '../transport/disposing.ts'
import { until } from '../transport/until.ts'

const found = findCollector()
const skip = 'missing' in found ? found.missing : withoutOpenssl
const LARGE = 'x'.repeat(4_000_000)

for (const compression of ['none', 'gzip', 'zstd', 'snappy'])
  test(
    `what we send to the Collector by mutual TLS comes back from it, with compression ${compression}`,
    { skip },
    async (t) => {
      const authority = disposing(t, new Authority())
      const { cert, key } = authority.sign('both')
      const [to, back] = (await freePorts(2)) as [number, number]
      const files = `cert_file: ${cert}, key_file: ${key}`
      const client = `tls: { ca_file: ${authority.ca.cert}, ${files} }, compression: ${compression}`
      const server = `tls: { client_ca_file: ${authority.ca.cert}, ${files} }`
      const config = join(authority.folder, 'config.yaml')
      await writeFile(
        config,
        `receivers: { otlp: { protocols: { grpc: { endpoint: "localhost:${to}", max_recv_msg_size_mib: 64, ${server} } } } }
exporters: { otlp_grpc: { endpoint: "localhost:${back}", sending_queue: { enabled: false }, ${client} } }
service: { telemetry: { metrics: { level: none } }, pipelines: { logs: { receivers: [otlp], exporters: [otlp_grpc] } } }`,
      )
      const child = spawn('path' in found ? found.path : '', ['--config', config], {
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      t.after(() => child.kill())
      let output = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-100_000)))
      await until(() => output.includes('Everything is ready') || child.exitCode !== null, 'the Collector')
      assert.equal(child.exitCode, null, output)
      const bed = await TestBed.start(`
receivers:
  test_source:
  otlp: { protocols: { grpc: { endpoint: "localhost:${back}", ${server} } } }
exporters:
  otlp_grpc: { endpoint: "localhost:${to}", sending_queue: { enabled: false }, ${client} }
  test_sink:
service:
  pipelines:
    logs/out: { receivers: [test_source], exporters: [otlp_grpc] }
    logs/in: { receivers: [otlp], exporters: [test_sink] }`)
      t.after(() => bed.stop())
      const bodies = ['one', 'two', LARGE]
      for (const body of bodies) await bed.send('logs', logsRequest(body))
      const requests = await bed.requests(bodies.length)
      const text = JSON.stringify(requests)
      for (const body of bodies) assert.ok(text.includes(`"${body}"`), body.slice(0, 10))
    },
  )
