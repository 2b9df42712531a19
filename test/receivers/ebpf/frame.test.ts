import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Unavailable } from '../../../src/native.ts'
import type { KernelLoader, LoadedTracer, Rung, TracerRequest } from '../../../src/native.ts'
import { Block, defineReceiver, Options, Refused, traces, Type } from '../../../src/plugin.ts'
import { ebpf } from '../../../src/receivers/ebpf/ebpf.ts'
import type { BatchMessage, WorkerStart } from '../../../src/receivers/ebpf/messages.ts'
import { ebpfFaults, ebpfOptions, RUNG_NAMES } from '../../../src/receivers/ebpf/options.ts'
import type { EbpfConfig } from '../../../src/receivers/ebpf/options.ts'
import { tracer, TRACER_NAMES } from '../../../src/receivers/ebpf/tracers.ts'
import type { AnyTracer } from '../../../src/receivers/ebpf/tracers.ts'
import type { Means } from '../../../src/receivers/ebpf/tracing.ts'
import type { Hears } from '../../../src/receivers/ebpf/worker-thread.ts'
import { TestBed, TestClock } from '../../../src/testing.ts'

const rungNamed = (name: string): Rung => ({ name, needs: [], object: `of/${name}` })

const tracerNamed = (
  name: string,
  signals: readonly ('traces' | 'metrics' | 'logs')[],
  rungs: readonly string[] = [],
): AnyTracer => ({
  name,
  rungs: rungs.map(rungNamed),
  signals: () => signals,
  constants: () => ({ [name]: Uint8Array.of(1) }),
  mapSizes: () => ({ connections: 5 }),
  counters: [
    { name: 'odd', lost: true },
    { name: 'even', lost: false },
  ],
  create: () => ({ types: [], event() {} }),
})

const TRACERS: Readonly<Record<string, AnyTracer>> = {
  web: tracerNamed('web', ['traces'], ['fentry', 'kprobe', 'tp_btf']),
  programs: tracerNamed('programs', ['logs'], ['tracepoint']),
}

const empty = Options({}, { description: 'A tracer of the test.' })
const options = Options({
  ...ebpfOptions.properties,
  tracers: Block(
    { web: Type.Optional(empty), programs: Type.Optional(empty) },
    { description: 'Tracers of the test.' },
  ),
})

/** A kernel in which nothing is, and what was asked of it. */
class Kernel {
  requests: TracerRequest[] = []
  counters: number[] = []
  updates: string[] = []
  closed: string[] = []
  /** Why a tracer, or all, cannot be loaded. */
  refusals: Record<string, string> = {}
  noLoader: string | undefined
  threads: { start: WorkerStart; hears: Hears; isRunning: boolean }[] = []
  privilegesDropped = 0
  lost: (reason: Error) => void = () => {}

  readonly means = (): Means => ({
    loader: () => {
      if (this.noLoader !== undefined) throw new Unavailable(this.noLoader)
      return this.#loader()
    },
    tracer: async (name) => TRACERS[name] as AnyTracer,
    thread: (start, hears) => {
      const thread = { start, hears, isRunning: false }
      this.threads.push(thread)
      return {
        begin: () => {
          thread.isRunning = true
          hears.running()
        },
        end: async () => {
          thread.isRunning = false
        },
      }
    },
    dropPrivileges: () => void this.privilegesDropped++,
    ownPids: () => [1],
  })

  get thread() {
    return this.threads.at(-1) as Kernel['threads'][number]
  }

  #loader(): KernelLoader {
    return {
      capabilities: () => Promise.reject(new Error('nobody asks')),
      ring: async (bytes) => {
        if (this.refusals['ring']) throw new Unavailable(this.refusals['ring'])
        return { descriptor: 42, bytes }
      },
      load: async (request) => {
        this.requests.push(request)
        const refusal = this.refusals[request.tracer]
        if (refusal) throw new Unavailable(refusal, [{ rung: 'fentry', reason: 'EPERM' }])
        return this.#loaded(request.tracer)
      },
      enableStatistics: () => Promise.reject(new Error('nobody asks')),
      onLost: (listener) => (this.lost = listener),
      close: async () => void this.closed.push('loader'),
    }
  }

  #loaded(tracer: string): LoadedTracer {
    return {
      rung: 'tp_btf',
      passedOver: [{ rung: 'fentry', reason: 'EPERM' }],
      counters: async () => this.counters,
      programs: async () => [{ id: 1, name: 'enter', type: 'tracing', runTime: 2e9, runs: 10 }],
      update: async (map, key, value) => void this.updates.push(`${map} ${key.join()} ${value.join()}`),
      delete: async (map, key) => void this.updates.push(`${map} ${key.join()} gone`),
      read: () => Promise.reject(new Error('nobody asks')),
      attach: () => Promise.reject(new Error('nobody asks')),
      detach: () => Promise.reject(new Error('nobody asks')),
      close: async () => void this.closed.push(tracer),
    }
  }
}

const yamlOf = (config: string, signals = ['traces', 'logs']) => `
receivers: { watched: ${config} }
exporters: { test_sink: { sending_queue: { queue_size: 3 }, retry_on_failure: { initial_interval: 10ms } } }
service: { pipelines: { ${signals.map((signal) => `${signal}: { receivers: [watched], exporters: [test_sink] }`).join(', ')} } }`

async function starting(kernel: Kernel, config: string, more: { signals?: string[]; clock?: TestClock } = {}) {
  const watched = defineReceiver({
    type: 'watched',
    summary: 'The receiver ebpf over a kernel of the test.',
    stability: { traces: 'alpha', metrics: 'alpha', logs: 'alpha' },
    config: options,
    check: (config) => ebpfFaults(config as unknown as EbpfConfig),
    create: (context) => ebpf(context as never, kernel.means),
  })
  const { signals, clock } = more
  const bed = await TestBed.start(yamlOf(config, signals), { definitions: [watched], ...(clock && { clock }) })
  const said = (level: string) => bed.logs.filter((line) => line.level === level && line.fields['id'] === 'watched')
  return { bed, said }
}

const batchOf = (name: string): BatchMessage => {
  const batch = traces({})
    .span({ traceId: '5'.repeat(32), spanId: '7'.repeat(16), name, start: 1n, end: 2n })
    .finish()
  const crate = new ArrayBuffer(1024)
  new Uint8Array(crate).set(batch.segments()[0] as Buffer)
  return { kind: 'batch', signal: 'traces', items: 1, bytes: batch.bytes, crate }
}

const own = ({ bed }: { bed: TestBed }, name: string) =>
  Object.fromEntries(
    bed.metrics
      .collect()
      .filter((metric) => metric.name === name)
      .flatMap(({ points }) =>
        points.map(({ labels, value }) => [
          `${labels['tracer']} ${labels['reason'] ?? labels['program'] ?? ''}`,
          value,
        ]),
      ),
  )

describe('the receiver ebpf', () => {
  test('loads each tracer with its constants, says its rung and why not a better one, and reads the ring', async () => {
    const kernel = new Kernel()
    const { bed, said } = await starting(
      kernel,
      '{ tracers: { web: , programs: }, ring_size: 1MiB, include: [{ ports: [80] }] }',
    )
    assert.deepEqual(
      kernel.requests.map(({ tracer, constants, mapSizes }) => [tracer, Object.keys(constants), mapSizes]),
      [
        ['web', ['web', 'wake_bytes'], { connections: 5 }],
        ['programs', ['programs', 'wake_bytes'], { connections: 5 }],
      ],
    )
    const [{ constants }] = kernel.requests as [TracerRequest]
    assert.equal(Buffer.from(constants['wake_bytes']!).readUInt32LE(), 256 * 1024)
    assert.deepEqual(
      said('info').map(({ message }) => message),
      ['The tracer web traces by tp_btf (fentry: EPERM)', 'The tracer programs traces by tp_btf (fentry: EPERM)'],
    )
    const { start } = kernel.thread
    assert.equal(start.ring, 42)
    assert.deepEqual(
      start.tracers.map(({ name }) => name),
      ['web', 'programs'],
    )
    assert.deepEqual(start.config.selection.include, [{ ports: [80] }])
    assert.equal(structuredClone(start).config.metricsInterval, 15_000)
    assert.equal(bed.status('watched').state, 'ok')
    assert.equal(kernel.privilegesDropped, 0)
    await bed.stop()
    assert.deepEqual(kernel.closed, ['web', 'programs', 'loader'])
    assert.equal(kernel.thread.isRunning, false)
  })

  test('one tracer that cannot trace keeps the others from nothing, and shows in the status', async () => {
    const kernel = new Kernel()
    kernel.refusals['web'] = 'this kernel has no such hook'
    const { bed, said } = await starting(kernel, '{ tracers: { web: , programs: } }')
    assert.deepEqual(
      said('warn').map(({ message }) => message),
      ['The tracer web cannot trace here: this kernel has no such hook'],
    )
    assert.deepEqual(
      kernel.thread.start.tracers.map(({ name }) => name),
      ['programs'],
    )
    const { state, reason } = bed.status('watched')
    assert.equal(state, 'permanent_error')
    assert.match(String(reason), /web: this kernel has no such hook/)
    await bed.stop()
  })

  test('uses the hooks that it may, best first, and is without a tracer that has none of them', async () => {
    const kernel = new Kernel()
    const { bed, said } = await starting(kernel, '{ tracers: { web: , programs: }, rungs: [tp_btf, fentry] }')
    assert.deepEqual(
      kernel.requests.map(({ tracer, rungs }) => [tracer, rungs.map(({ name }) => name)]),
      [['web', ['fentry', 'tp_btf']]],
    )
    assert.deepEqual(
      said('warn').map(({ message }) => message),
      ['The tracer programs cannot trace here: `rungs` leaves it none of tracepoint'],
    )
    await bed.stop()
    await assert.rejects(starting(new Kernel(), '{ tracers: { web: }, rungs: [gprobe] }'), /gprobe/)
  })

  test('names every hook that a tracer has', async () => {
    const tracers = await Promise.all(TRACER_NAMES.map(tracer))
    const names = tracers.flatMap(({ rungs }) => rungs.map(({ name }) => name))
    assert.deepEqual([...new Set(names)].sort(), [...RUNG_NAMES].sort())
  })

  test('where nothing can be traced it starts all the same, and says so in one line', async () => {
    const reason = 'loading programs into the kernel needs root or CAP_BPF + CAP_PERFMON'
    for (const prepare of [
      (kernel: Kernel) => (kernel.noLoader = reason),
      (kernel: Kernel) => (kernel.refusals['ring'] = reason),
    ]) {
      const kernel = new Kernel()
      prepare(kernel)
      const { bed, said } = await starting(kernel, '{ tracers: { web: , programs: } }')
      assert.deepEqual(
        [...said('warn'), ...said('error'), ...said('info')].map(({ fields }) => fields['reason']),
        [`nothing is traced: ${reason}`],
      )
      assert.equal(kernel.threads.length, 0)
      assert.equal(bed.status('watched').state, 'permanent_error')
      await bed.stop()
    }
  })

  test('leaves out a tracer whose signals leave in no pipeline', async () => {
    const kernel = new Kernel()
    const { bed, said } = await starting(kernel, '{ tracers: { web: , programs: } }', { signals: ['traces'] })
    assert.deepEqual(
      kernel.requests.map(({ tracer }) => tracer),
      ['web'],
    )
    assert.match(said('warn')[0]?.message ?? '', /programs is left out: it emits logs/)
    await bed.stop()
  })

  test('refuses to run without a tracer', async () => {
    await assert.rejects(starting(new Kernel(), '{ tracers: {} }'), /must name at least one tracer/)
    await assert.rejects(starting(new Kernel(), '{}'), /must name at least one tracer/)
    await assert.rejects(
      starting(new Kernel(), '{ tracers: { web: }, privileges: drop, loader: { socket: /x } }'),
      /needs no privileges/,
    )
  })

  test('lets batches in, and gives their crates back', async () => {
    const kernel = new Kernel()
    const { bed } = await starting(kernel, '{ tracers: { web: } }')
    let emptied = 0
    kernel.thread.hears.batch(batchOf('GET'), () => emptied++)
    assert.match(JSON.stringify(await bed.requests(1)), /"name":"GET"/)
    assert.equal(emptied, 1)
    await bed.stop()
  })

  test('while the gate is closed a crate waits, and what waits at the end is lost, counted', async () => {
    const kernel = new Kernel()
    const { bed } = await starting(kernel, '{ tracers: { web: } }')
    bed.onSend = () => {
      throw new Refused('away', { code: 'unavailable', retry: {} })
    }
    let emptied = 0
    for (let each = 0; each < 20; each++) kernel.thread.hears.batch(batchOf(`${each}`), () => emptied++)
    await bed.until(() => emptied >= 3, 'some to enter')
    assert.ok(emptied < 20, `${emptied} entered`)
    bed.onSend = undefined
    await bed.until(() => emptied === 20, 'all to enter')
    await bed.until(() => bed.items() === 20, 'all to arrive')
    await bed.stop()
  })

  test('counts what worker and kernel count, the kernel by difference', async () => {
    const kernel = new Kernel()
    const clock = new TestClock()
    const started = await starting(kernel, '{ tracers: { web: }, stats: true }', { clock })
    const { hears } = kernel.thread
    hears.counts({
      kind: 'counts',
      pending: 77,
      counts: { events: [['web', 3]], dropped: [['web', 'malformed', 2]], noted: [['web', 'late', 1]] },
    })
    kernel.counters = [100, 5, 0, 0, 0, 0, 0, 0, 4, 9]
    await clock.advance(5_000)
    kernel.counters = [100, 7, 0, 0, 0, 0, 0, 0, 4, 9]
    await clock.advance(5_000)
    assert.deepEqual(own(started, 'telegen.ebpf.events'), { 'web ': 3 })
    assert.deepEqual(own(started, 'telegen.ebpf.dropped'), { 'web malformed': 2, 'web ring_full': 7, 'web odd': 4 })
    assert.deepEqual(own(started, 'telegen.ebpf.noted'), { 'web late': 1, 'web even': 9 })
    assert.deepEqual(own(started, 'telegen.ebpf.program.runs'), { 'web enter': 10 })
    assert.deepEqual(own(started, 'telegen.ebpf.program.run_time'), { 'web enter': 2 })
    assert.deepEqual(Object.values(own(started, 'telegen.ebpf.ring.pending')), [77])
    await started.bed.stop()
  })

  test('tells the kernel which processes are left out, traced, and forgotten', async () => {
    const kernel = new Kernel()
    const { bed } = await starting(kernel, '{ tracers: { web: } }')
    kernel.thread.hears.verdicts([
      [258, 1],
      [3, 2],
      [258, 0],
    ])
    await bed.until(() => kernel.updates.length === 3, 'the updates')
    assert.deepEqual(kernel.updates, ['verdicts 2,1,0,0 1', 'verdicts 3,0,0,0 2', 'verdicts 2,1,0,0 gone'])
    await bed.stop()
  })

  test('a thread that dies shows in the status until it runs again', async () => {
    const kernel = new Kernel()
    const { bed, said } = await starting(kernel, '{ tracers: { web: } }')
    const { hears } = kernel.thread
    hears.died('out of memory', 1_000)
    assert.match(String(bed.status('watched').reason), /has ended: out of memory/)
    assert.equal(said('error').length, 1)
    hears.running()
    assert.equal(bed.status('watched').state, 'ok')
    hears.faults(['web: Error: odd'])
    assert.match(JSON.stringify(said('error')[1]), /web: Error: odd/)
    await bed.stop()
  })

  test('asks a loader of its own again until it answers, and loads all anew when it was lost', async () => {
    const kernel = new Kernel()
    const clock = new TestClock()
    kernel.refusals['ring'] = 'nobody listens at /run/x'
    const config = '{ tracers: { web: }, loader: { socket: /run/x } }'
    const { bed } = await starting(kernel, config, { clock })
    assert.equal(bed.status('watched').state, 'recoverable_error')
    delete kernel.refusals['ring']
    await clock.advance(1_000)
    assert.equal(bed.status('watched').state, 'ok')
    assert.equal(kernel.thread.isRunning, true)
    kernel.lost(new Error('it ended'))
    assert.match(String(bed.status('watched').reason), /the loader is gone/)
    await clock.advance(2_000)
    assert.equal(bed.status('watched').state, 'ok')
    assert.deepEqual(
      kernel.threads.map(({ isRunning }) => isRunning),
      [false, true],
    )
    await bed.stop()
  })

  test('gives its privileges up once all is attached, where it is told to', async () => {
    const kernel = new Kernel()
    const { bed } = await starting(kernel, '{ tracers: { web: }, privileges: drop }')
    assert.equal(kernel.privilegesDropped, 1)
    assert.equal(kernel.requests.length, 1)
    await bed.stop()
  })
})
