import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { logs } from '../../../../src/plugin.ts'
import type { Double, LogFields, ProcessNews } from '../../../../src/plugin.ts'
import type { Process, Started, TracerContext } from '../../../../src/receivers/ebpf/tracer.ts'
import {
  EVENT_EXECUTED,
  EVENT_EXITED,
  EVENT_FORKED,
  EXECUTED,
  EXECUTED_BYTES,
  EXITED,
  EXITED_BYTES,
  FORKED_BYTES,
} from '../../../../src/receivers/ebpf/tracers/exec/event.ts'
import { exec } from '../../../../src/receivers/ebpf/tracers/exec/index.ts'
import { execFaults } from '../../../../src/receivers/ebpf/tracers/exec/options.ts'
import type { ExecOptions } from '../../../../src/receivers/ebpf/tracers/exec/options.ts'

const OPTIONS: ExecOptions = {
  arguments: true,
  command_line: false,
  argument_size: 1024,
  redaction: { builtin: true, names: [], patterns: [] },
  forks: true,
}

const SECOND = 1_000_000_000n

function tracerOf(options: Partial<ExecOptions> = {}, traced = true) {
  const records: LogFields[] = []
  const news: ProcessNews[] = []
  const dropped: string[] = []
  const noted: string[] = []
  const seen: Started[] = []
  const ended: number[] = []
  const of = (pid: number, name = ''): Process => ({ pid, name, traced, resource: { 'process.pid': pid } })
  const tracer = exec.create(
    {
      processes: {
        of,
        host: of(0),
        started: (started: Started) => {
          seen.push(started)
          return { ...of(started.pid, started.name), executable: started.executable }
        },
        exited: (pid: number) => void ended.push(pid),
      },
      wall: (time: number) => BigInt(Math.round(time)) + 1_700_000_000n * SECOND,
      wants: () => true,
      record: (_process: Process, record: LogFields) => void records.push(record),
      tell: (each: ProcessNews) => void news.push(each),
      drop: (reason: string) => void dropped.push(reason),
      note: (what: string) => void noted.push(what),
    } as unknown as TracerContext,
    { ...OPTIONS, ...options },
  )
  return { tracer, records, news, dropped, noted, seen, ended }
}

function header(event: Buffer, type: number): Buffer {
  event.writeUInt16LE(type, 0)
  event.writeUInt16LE(1, 2)
  event.writeUInt32LE(event.length, 4)
  event.writeBigUInt64LE(100n * SECOND, 8)
  event.writeUInt32LE(42, 16)
  event.writeUInt32LE(42, 20)
  return event
}

function executed(given: string, { path = '/bin/app', runs = '/bin/app', missing = 0 } = {}): Buffer {
  const event = Buffer.alloc(EXECUTED_BYTES + given.length)
  event.writeBigUInt64LE(90n * SECOND, EXECUTED.start)
  event.writeBigUInt64LE(3n * SECOND, EXECUTED.age)
  event.writeUInt32LE(7, EXECUTED.parent)
  event.writeUInt32LE(1000, EXECUTED.uid)
  event.writeUInt32LE(1, EXECUTED.own_pid)
  event.writeUInt32LE(given.length + missing, EXECUTED.argument_bytes)
  event.writeUInt16LE(given.length, EXECUTED.captured)
  event.writeUInt16LE(path.length, EXECUTED.path_bytes)
  event.writeUInt16LE(runs.length, EXECUTED.interpreter_bytes)
  event.write('app', EXECUTED.name)
  event.write(path, EXECUTED.path)
  event.write(runs, EXECUTED.interpreter)
  event.write(given, EXECUTED_BYTES)
  return header(event, EVENT_EXECUTED)
}

function exited(status: number, { user = 3n, system = 1n, run = 2n * SECOND } = {}): Buffer {
  const event = Buffer.alloc(EXITED_BYTES)
  event.writeBigUInt64LE(5n * SECOND, EXITED.age)
  event.writeBigUInt64LE(run, EXITED.run_time)
  event.writeBigUInt64LE(user, EXITED.user_time)
  event.writeBigUInt64LE(system, EXITED.system_time)
  event.writeBigUInt64LE(0n, EXITED.peak_pages)
  event.writeUInt32LE(7, EXITED.parent)
  event.writeUInt32LE(status, EXITED.exit_code)
  event.write('app', EXITED.name)
  return header(event, EVENT_EXITED)
}

describe('The tracer exec', () => {
  test('makes a record of a program that starts, and tells the table and who listens', () => {
    const { tracer, records, news, seen } = tracerOf()
    const event = executed('app\0--token=x\0')
    tracer.event(event, 0, event.length)
    assert.deepEqual(records, [
      {
        severity: 9,
        severityText: 'INFO',
        time: 1_700_000_100n * SECOND,
        eventName: 'process.exec',
        body: 'Process 42 started /bin/app',
        attributes: {
          'process.parent_pid': 7,
          'process.vpid': 1,
          'process.creation.time': '2023-11-14T22:14:57.000Z',
          'process.real_user.id': 1000,
          'process.command_args': ['app', '--token=[REDACTED]'],
          'process.args_count': 2,
          'process.command_line': undefined,
        },
      },
    ])
    assert.equal(seen[0]?.start, 9000)
    assert.deepEqual(seen[0]?.arguments, ['app', '--token=x'])
    assert.deepEqual(news[0]?.process.arguments, ['app', '--token=[REDACTED]'])
  })

  test('has the arguments as the options say', () => {
    const of = (options: Partial<ExecOptions>) => {
      const { tracer, records } = tracerOf(options)
      const event = executed('app\0--token=x\0')
      tracer.event(event, 0, event.length)
      return JSON.stringify(records[0]?.attributes)
    }
    assert.doesNotMatch(of({ arguments: false }), /token|args/)
    assert.match(of({ command_line: true }), /"process.command_line":"app --token=\[REDACTED\]"/)
    assert.match(of({ redaction: { builtin: false, names: [], patterns: [] } }), /--token=x/)
  })

  test('leaves out an argument that was cut, since half a secret is not known as one', () => {
    const { tracer, records, noted } = tracerOf()
    const event = executed('app\0https://user:S3C', { missing: 20 })
    tracer.event(event, 0, event.length)
    assert.deepEqual(records[0]?.attributes?.['process.command_args'], ['app'])
    assert.equal(records[0]?.attributes?.['process.args_count'], undefined)
    assert.deepEqual(noted, ['arguments_cut'])
  })

  test('reads no byte beyond its event, whatever the event says of its lengths', () => {
    for (const field of [EXECUTED.captured, EXECUTED.path_bytes, EXECUTED.interpreter_bytes]) {
      const { tracer, records, dropped } = tracerOf()
      const event = Buffer.concat([executed('app\0'), Buffer.from('of another')])
      event.writeUInt16LE(300, field)
      tracer.event(event, 0, event.length - 10)
      assert.deepEqual([records.length, dropped], [0, ['malformed']])
    }
  })

  test('an empty argument is one', () => {
    const { tracer, records } = tracerOf()
    const event = executed('app\0\0x\0\0')
    tracer.event(event, 0, event.length)
    assert.deepEqual(records[0]?.attributes?.['process.command_args'], ['app', '', 'x', ''])
  })

  const ends: readonly (readonly [status: number, how: string, severity: string])[] = [
    [0, 'exited with code 0', 'INFO'],
    [0x0700, 'exited with code 7', 'INFO'],
    [9, 'was ended by SIGKILL', 'INFO'],
    [11, 'was ended by SIGSEGV', 'ERROR'],
    [0x86, 'was ended by SIGABRT', 'ERROR'],
    [35, 'was ended by SIG35', 'INFO'],
  ]
  for (const [status, how, severity] of ends)
    test(`status ${status}: ${how}`, () => {
      const { tracer, records, ended } = tracerOf()
      const event = exited(status)
      tracer.event(event, 0, event.length)
      assert.equal(records[0]?.body, `Process 42 (app) ${how} after 5.000 s`)
      assert.equal(records[0]?.severityText, severity)
      assert.equal(records[0]?.eventName, 'process.exit')
      assert.deepEqual(ended, [42])
    })

  test('shares the exact time out by what the ticks found', () => {
    const times = (parts: Parameters<typeof exited>[1]) => {
      const { tracer, records } = tracerOf()
      const event = exited(0, parts)
      tracer.event(event, 0, event.length)
      const { attributes = {} } = records[0] as LogFields
      return ['user', 'system'].map((mode) => (attributes[`process.cpu.time.${mode}`] as Double).value)
    }
    assert.deepEqual(times({}), [1.5, 0.5])
    assert.deepEqual(times({ user: 0n, system: 0n }), [2, 0])
  })

  test('of what is left out there is no record, but who listens and the table hear of it', () => {
    const { tracer, records, news, seen } = tracerOf({}, false)
    const event = executed('app\0')
    tracer.event(event, 0, event.length)
    assert.deepEqual([records.length, news.length, seen.length], [0, 1, 1])
    assert.equal(news[0]?.process.traced, false)
  })

  test('takes any bytes: what cannot be read is counted, and what is made of the rest can be sent', () => {
    const { tracer, records, dropped } = tracerOf()
    const any = fc.tuple(
      fc.constantFrom(EVENT_EXECUTED, EVENT_EXITED, EVENT_FORKED, 0x0499),
      fc.constantFrom(24, FORKED_BYTES, EXITED_BYTES, EXECUTED_BYTES, EXECUTED_BYTES + 300),
      fc.infiniteStream(fc.integer({ min: 0, max: 255 })),
      fc.integer({ min: -3, max: 3 }),
    )
    fc.assert(
      fc.property(any, ([type, size, bytes, more]) => {
        const length = Math.max(24, size + more)
        const event = Buffer.alloc(length + 8)
        for (let at = 0; at < length; at++) event[at] = bytes.next().value as number
        event.writeUInt16LE(type, 0)
        const before = records.length + dropped.length
        tracer.event(event, 0, length)
        assert.equal(records.length + dropped.length, before + 1)
      }),
      { numRuns: 400 },
    )
    // Times that no clock says are out of what fits; the frame counts those.
    const builder = logs({})
    for (const record of records) if ((record.time ?? 0n) < 1n << 63n) builder.record(record)
    builder.finish().release()
  })

  test('its options are checked', () => {
    assert.deepEqual([...execFaults(OPTIONS, [])], [])
    const faults = [
      ...execFaults(
        { ...OPTIONS, argument_size: 5000, redaction: { builtin: true, names: [], patterns: ['a', '('] } },
        ['tracers', 'exec'],
      ),
    ]
    assert.deepEqual(
      faults.map(({ path }) => path.join('.')),
      ['tracers.exec.argument_size', 'tracers.exec.redaction.patterns.1'],
    )
  })

  test('gives its programs their constants', () => {
    assert.deepEqual(exec.constants({ ...OPTIONS, argument_size: 2048 }), {
      argument_bytes: Uint8Array.of(0, 8, 0, 0),
      forks: Uint8Array.of(1),
    })
  })
})
