import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { Telegen } from './telegen.ts'
import { freePorts } from '../free-ports.ts'

const config = (receive: number, telemetry: string) => `
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:${receive}" } } } }
exporters: { debug: }
service:
  telemetry: ${telemetry}
  pipelines: { logs: { receivers: [otlp], exporters: [debug] } }
`

test('its metrics and its log say what it is, in the process, on every line, in every file', async () => {
  const [receive, port] = (await freePorts(2)) as [number, number]
  const telemetry = `{
    resource: { service.name: edge, service.instance.id: },
    logs: { encoding: json, initial_fields: { site: north }, output_paths: [stderr, DIR/own.log] },
    metrics: { readers: [{ pull: { exporter: { prometheus: { host: localhost, port: ${port} } } } }] } }`
  const telegen = await Telegen.start(config(receive, telemetry))
  const text = await (await fetch(`http://localhost:${port}/metrics`)).text()
  assert.match(text, /^target_info\{service_name="edge",service_version="[\d.]+"\} 1$/m)
  assert.match(text, /^otelcol_process_uptime \d+/m)
  assert.match(text, /^nodejs_eventloop_time\{nodejs_eventloop_state="active"\} /m)
  const [first = ''] = (await readFile(join(telegen.directory, 'own.log'), 'utf8')).split('\n')
  const line = JSON.parse(first) as { readonly resource: object; readonly site: string }
  assert.deepEqual(Object.keys(line.resource).sort(), ['service.name', 'service.version'])
  assert.equal(line.site, 'north')
  assert.ok(telegen.output.includes(first))
  assert.equal(await telegen.stop(), 0)
})

test('a written address that is taken stops the start, before anything listens', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const { port } = taken.address() as { port: number }
  const [receive] = (await freePorts(1)) as [number]
  const telemetry = `{ metrics: { readers: [{ pull: { exporter: { prometheus: { host: 127.0.0.1, port: ${port} } } } }] } }`
  await assert.rejects(
    Telegen.start(config(receive, telemetry)),
    (error: Error) =>
      error.message.includes(
        `binding address 127.0.0.1:${port} for Prometheus exporter: listen tcp 127.0.0.1:${port}: bind: address already in use`,
      ) && !error.message.includes('"otlp"'),
  )
})
