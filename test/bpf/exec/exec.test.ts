import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { Double } from '../../../src/plugin.ts'
import { execInKernel } from './kernel.ts'
import type { Emitted, ExecInKernel } from './kernel.ts'

const number = (value: unknown): number => (value instanceof Double ? value.value : Number(value))
const bodyOf = ({ record }: Emitted): string => (typeof record.body === 'string' ? record.body : '')
const hasPython = spawnSync('python3', ['--version']).status === 0

for (const rung of ['tp_btf', 'tracepoint'])
  describe(`Processes seen by ${rung}`, () => {
    let kernel: ExecInKernel | string
    let folder: string
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'telegen-exec-'))
      kernel = await execInKernel(rung, { forks: true })
    })
    after(async () => {
      rmSync(folder, { recursive: true, force: true })
      if (typeof kernel !== 'string') await kernel.close()
    })
    const seen = (name: string, act: (kernel: ExecInKernel, t: TestContext) => Promise<void>, skip?: string | false) =>
      test(name, { skip: skip || false }, async (t) => {
        if (typeof kernel === 'string') return t.skip(kernel)
        await act(kernel, t)
        assert.deepEqual(kernel.dropped, [])
      })

    seen('a program that starts and ends: its arguments, its parent, its code, its times', async (kernel) => {
      const began = Date.now()
      const child = spawn('bash', ['-c', 'for i in {1..20000}; do :; done; exit 7', 'name'])
      const [code] = (await once(child, 'exit')) as [number]
      assert.equal(code, 7)
      const lived = (Date.now() - began) / 1000
      const pid = child.pid as number
      const start = await kernel.find('process.exec', ({ process }) => process.pid === pid)
      assert.equal(start.attributes['process.parent_pid'], process.pid)
      assert.deepEqual(start.attributes['process.command_args'], [
        'bash',
        '-c',
        'for i in {1..20000}; do :; done; exit 7',
        'name',
      ])
      assert.equal(start.attributes['process.args_count'], 4)
      assert.equal(start.attributes['process.real_user.id'], process.getuid?.())
      assert.equal(start.attributes['process.command_line'], undefined)
      assert.match(bodyOf(start), new RegExp(`^Process ${pid} started /.*/bash$`))
      assert.ok(Math.abs(Number((start.record.time ?? 0n) / 1_000_000n) - began) < 1000)
      const end = await kernel.find('process.exit', ({ process }) => process.pid === pid)
      assert.equal(end.attributes['process.exit.code'], 7)
      assert.equal(end.attributes['process.exit.signal'], undefined)
      const duration = number(end.attributes['process.duration'])
      assert.ok(duration > 0 && duration <= lived + 0.02, `${duration} of ${lived}`)
      const cpu = number(end.attributes['process.cpu.time.user']) + number(end.attributes['process.cpu.time.system'])
      assert.ok(cpu > 0.001 && cpu <= duration, `${cpu} of ${duration}`)
      assert.ok(number(end.attributes['process.memory.usage.peak']) > 500_000)
      assert.match(bodyOf(end), new RegExp(`^Process ${pid} \\(bash\\) exited with code 7 after `))
      const told = kernel.news.filter(({ process }) => process.pid === pid)
      assert.deepEqual(
        told.map(({ kind }) => kind),
        ['started', 'exited'],
      )
    })

    seen('a very short one is known by what the kernel told, with its arguments', async (kernel) => {
      const child = spawn('/bin/true', ['--first', 'second'])
      await once(child, 'exit')
      // Long gone when the events are read.
      const start = await kernel.find('process.exec', ({ process }) => process.pid === child.pid)
      assert.deepEqual(start.attributes['process.command_args'], ['/bin/true', '--first', 'second'])
      assert.equal(start.process.resource['service.name'], 'true')
      assert.equal(start.process.resource['process.executable.path'], '/bin/true')
    })

    seen('secrets in arguments are taken out', async (kernel) => {
      const child = spawn('/bin/true', ['--password=hunter2', '--token', 'abc', 'https://me:pw@host/', 'API_KEY=zzz'])
      await once(child, 'exit')
      const start = await kernel.find('process.exec', ({ process }) => process.pid === child.pid)
      assert.deepEqual(start.attributes['process.command_args'], [
        '/bin/true',
        '--password=[REDACTED]',
        '--token',
        '[REDACTED]',
        'https://me:[REDACTED]@host/',
        'API_KEY=[REDACTED]',
      ])
    })

    seen('a signal, and one that is a fault', async (kernel) => {
      for (const [signal, severity] of [
        ['SIGKILL', 'INFO'],
        ['SIGTERM', 'INFO'],
        ['SIGSEGV', 'ERROR'],
      ] as const) {
        const child = spawn('sleep', ['60'])
        await once(child, 'spawn')
        child.kill(signal)
        await once(child, 'exit')
        const end = await kernel.find('process.exit', ({ process }) => process.pid === child.pid)
        assert.equal(end.attributes['process.exit.signal'], signal)
        assert.equal(end.attributes['process.exit.code'], undefined)
        assert.equal(end.record.severityText, severity)
        assert.match(bodyOf(end), new RegExp(`\\) was ended by ${signal} after `))
      }
    })

    seen('a process that becomes another program has two starts and one end', async (kernel) => {
      const child = spawn('bash', ['-c', 'exec sleep 0.05'])
      await once(child, 'exit')
      await kernel.find('process.exit', ({ process }) => process.pid === child.pid)
      const names = kernel.records
        .filter(({ process }) => process.pid === child.pid)
        .map(({ record, process }) => `${record.eventName} ${JSON.stringify(process.resource['service.name'])}`)
      assert.equal(names.filter((name) => name.startsWith('process.exec')).length, 2)
      assert.equal(names.filter((name) => name.startsWith('process.exit')).length, 1)
      assert.equal(names.at(-1), 'process.exit "sleep"')
    })

    seen('a copy that never starts a program is told of by its fork, and its end', async (kernel) => {
      const child = spawn('bash', ['-c', '(exit 3) & wait $!; echo $! $?'], { stdio: ['ignore', 'pipe', 'inherit'] })
      const [line] = (await once(child.stdout, 'data')) as [Buffer]
      const [pid, code] = line.toString().trim().split(' ').map(Number)
      assert.equal(code, 3)
      const fork = await kernel.find('process.fork', ({ process }) => process.pid === pid)
      assert.equal(fork.attributes['process.parent_pid'], child.pid)
      const end = await kernel.find('process.exit', ({ process }) => process.pid === pid)
      assert.equal(end.attributes['process.exit.code'], 3)
    })

    seen(
      'threads that end are no end of the process, and their time counts',
      async (kernel) => {
        const script = `
import threading, time
def burn():
    until = time.thread_time() + 0.15
    while time.thread_time() < until: pass
threads = [threading.Thread(target=burn) for _ in range(3)]
[t.start() for t in threads]; [t.join() for t in threads]
time.sleep(0.05)
`
        const child = spawn('python3', ['-c', script])
        await once(child, 'exit')
        const end = await kernel.find('process.exit', ({ process }) => process.pid === child.pid)
        const cpu = number(end.attributes['process.cpu.time.user']) + number(end.attributes['process.cpu.time.system'])
        assert.ok(cpu > 0.44, `${cpu}`)
        const ends = kernel.records.filter(
          ({ process, record }) => process.pid === child.pid && record.eventName === 'process.exit',
        )
        assert.equal(ends.length, 1)
      },
      !hasPython && 'python3 is not installed',
    )

    seen('node, whose threads end with it: one end, with its code', async (kernel) => {
      const child = spawn(process.execPath, ['-e', 'process.exit(9)'])
      await once(child, 'exit')
      const end = await kernel.find('process.exit', ({ process }) => process.pid === child.pid)
      assert.equal(end.attributes['process.exit.code'], 9)
      const all = kernel.news.filter(({ process }) => process.pid === child.pid)
      assert.deepEqual(
        all.map(({ kind }) => kind),
        ['started', 'exited'],
      )
    })

    seen('a script is told of with its path', async (kernel) => {
      const script = join(folder, 'script.sh')
      writeFileSync(script, '#!/bin/bash\nexit 4\n', { mode: 0o755 })
      const child = spawn(script, ['one'])
      await once(child, 'exit')
      const start = await kernel.find('process.exec', ({ process }) => process.pid === child.pid)
      assert.equal(start.record.body, `Process ${child.pid} started ${script}`)
      assert.deepEqual(start.attributes['process.command_args'], ['/bin/bash', script, 'one'])
      if (rung === 'tp_btf') assert.match(start.process.executable ?? '', /bash$/)
    })

    seen('arguments that are cut lose the last, and are not counted', async (kernel) => {
      const child = spawn('/bin/true', ['short', 'x'.repeat(5000)])
      await once(child, 'exit')
      const start = await kernel.find('process.exec', ({ process }) => process.pid === child.pid)
      assert.deepEqual(start.attributes['process.command_args'], ['/bin/true', 'short'])
      assert.equal(start.attributes['process.args_count'], undefined)
    })

    seen('hundreds at once are all seen, each with its end', async (kernel) => {
      const script = 'for i in {1..300}; do /bin/true burst-$i & done; wait'
      const child = spawn('bash', ['-c', script])
      await once(child, 'exit')
      await kernel.find('process.exit', ({ process }) => process.pid === child.pid)
      const started = kernel.news.filter(
        ({ kind, process }) => kind === 'started' && process.arguments?.[1]?.startsWith('burst-'),
      )
      assert.equal(started.length, 300)
      const pids = new Set(started.map(({ process }) => process.pid))
      const ended = kernel.news.filter(({ kind, process }) => kind === 'exited' && pids.has(process.pid))
      assert.equal(ended.length, 300)
      const [, ringFull] = await kernel.counters()
      assert.equal(ringFull, 0)
    })
  })
