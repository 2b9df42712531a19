import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { inProcessLoader, loadAddon, Unavailable } from '../../../../src/native.ts'
import type { SpanFields } from '../../../../src/plugin.ts'
import { lengthOf, RECORD_BYTES } from '../../../../src/receivers/ebpf/event.ts'
import http from '../../../../src/receivers/ebpf/tracers/http/index.ts'
import { asking, frontAndBack, numbered, pathOf, visiting } from './programs.ts'
import { DEFAULTS, line, Witness } from './witness.ts'

const PORT = 28_473
const REQUESTS = 4000
const CONNECTIONS = 64
const DEADLINE_MS = 30_000
const POLL_MS = 5
const RING_BYTES = 4 * 1024 * 1024
const VERDICT_TRACE = Uint8Array.of(2)
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'

const kernel = await inKernel()
const skip = typeof kernel === 'string' ? kernel : false
const children: ChildProcess[] = []
after(async () => {
  for (const child of children) child.kill()
  if (typeof kernel !== 'string') await kernel.close()
})

test(
  'a program that asks itself while it answers another is one trace, of both sides of each call',
  { skip },
  async () => {
    const traceparent = `00-${TRACE}-${PARENT}-01`
    const requests = [
      { path: '/front/42?a=b' },
      { path: '/fail/9' },
      { path: '/back/1', method: 'POST', headers: { traceparent, 'content-length': 5 }, body: 'hello' },
    ]
    const spans = await watch([frontAndBack(PORT)], visiting(PORT, requests), 10)
    const [front, fail, back] = ['/front/42', '/fail/9', '/back/1'].map((path) =>
      spans.filter((span) => pathOf(span) === path),
    )
    const [call, served] = bySide(front!)
    assert.equal(call.parentSpanId, undefined)
    assert.equal(served.parentSpanId, call.spanId)
    assert.equal(served.attributes!['http.response.body.size'], 50_000)
    const inner = spans.filter((span) => pathOf(span) === '/back/7' && span.traceId === call.traceId)
    const [innerCall, innerServed] = bySide(inner)
    assert.equal(innerCall.parentSpanId, served.spanId)
    assert.equal(innerServed.parentSpanId, innerCall.spanId)
    assert.deepEqual(fail!.map(line).sort(), ['GET /fail/{id} 500', 'GET /fail/{id} 500'])
    assert.deepEqual(
      fail!.map(({ status }) => status),
      [{ code: 2 }, { code: 2 }],
    )
    for (const span of back!) {
      assert.deepEqual([span.traceId, span.parentSpanId], [TRACE, PARENT])
      assert.deepEqual(
        [span.attributes!['http.request.body.size'], span.attributes!['http.response.body.size']],
        [5, 8],
      )
    }
    for (const [outer, within] of [
      [call, served],
      [served, innerCall],
      [innerCall, innerServed],
    ] as const)
      assert.ok(outer.start <= within.start && within.end <= outer.end + 1_000_000n, 'a parent spans its child')
  },
)

test(
  `all of ${REQUESTS} requests over ${CONNECTIONS} connections are seen at both ends, none paired wrongly`,
  { skip },
  async () => {
    const spans = await watch([numbered(PORT + 1)], asking(PORT + 1, REQUESTS, CONNECTIONS), 2 * REQUESTS)
    const calls = new Map(spans.filter(({ kind }) => kind === 3).map((span) => [span.spanId, span]))
    const served = spans.filter(({ kind }) => kind === 2)
    assert.deepEqual([calls.size, served.length], [REQUESTS, REQUESTS])
    for (const span of spans)
      assert.equal(span.attributes!['http.response.status_code'], 200 + (Number(pathOf(span).slice(1)) % 97))
    for (const span of served) assert.equal(pathOf(calls.get(span.parentSpanId as string)!), pathOf(span))
  },
)

const bySide = (spans: readonly SpanFields[]): [SpanFields, SpanFields] => {
  assert.deepEqual(new Set(spans.map(({ kind }) => kind)), new Set([2, 3]))
  assert.equal(spans.length, 2)
  return [spans.find(({ kind }) => kind === 3)!, spans.find(({ kind }) => kind === 2)!]
}

/** Runs servers and a client until so many spans were seen, or for as long as it may take. */
async function watch(servers: readonly string[], client: string, wanted: number): Promise<readonly SpanFields[]> {
  assert.ok(typeof kernel !== 'string')
  const witness = new Witness({ path: 'full', route_variants: 64 })
  const started = await Promise.all([...servers, client].map(start))
  for (const { pid } of started) await kernel.trace(pid!)
  started.at(-1)!.stdin!.write('go\n')
  const end = performance.now() + DEADLINE_MS
  while (witness.spans.length < wanted && performance.now() < end) {
    kernel.drain(witness)
    witness.tick()
    await pause(POLL_MS)
  }
  assert.deepEqual([...witness.drops], [])
  return witness.spans
}

async function start(source: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', source], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  await once(child.stdout, 'data')
  return child
}

/** The programs, attached; or why they cannot be. Nothing is traced but what the test starts. */
async function inKernel() {
  const native = loadAddon()
  if (native.kind === 'unavailable') return native.reason
  const log = { info: () => {}, debug: () => {} }
  const loader = inProcessLoader({ addon: native.addon, folder: native.folder, log })
  try {
    const { descriptor } = await loader.ring(RING_BYTES)
    const constants = { ...http.constants(DEFAULTS), trace_unknown: Uint8Array.of(0) }
    const loaded = await loader.load({
      tracer: 'http',
      rungs: http.rungs,
      constants,
      mapSizes: http.mapSizes(DEFAULTS),
    })
    const ring = new native.addon.Ring(descriptor)
    const buffer = Buffer.alloc(256 * 1024)
    return {
      trace: (pid: number) => loaded.update('verdicts', new Uint8Array(Uint32Array.of(pid).buffer), VERDICT_TRACE),
      drain(witness: Witness): void {
        for (let bytes = ring.drain(buffer); bytes > 0; bytes = ring.drain(buffer))
          for (let at = 0; at < bytes;) {
            witness.tracer.event(buffer, at + RECORD_BYTES, lengthOf(buffer, at + RECORD_BYTES))
            at += (RECORD_BYTES + (buffer.readUInt32LE(at) & 0x3fff_ffff) + 7) & ~7
          }
      },
      async close(): Promise<void> {
        ring.close()
        await loaded.close()
        await loader.close()
      },
    }
  } catch (thrown) {
    await loader.close()
    if (thrown instanceof Unavailable) return thrown.message
    throw thrown
  }
}
