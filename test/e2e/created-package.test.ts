import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { install, PATIENCE, run } from './installed.ts'

describe('a component made by an installed Telegen', () => {
  let folder = ''
  before(() => {
    folder = install()
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  test('passes `npm test` at once, with no install of its own', () => {
    run(folder, 'npx', '--no-install', 'telegen', 'create', 'receiver', 'hello')
    assert.equal(existsSync(join(folder, 'hello/node_modules')), false)
    assert.match(run(join(folder, 'hello'), 'npm', 'test'), /pass 1\n/)
  })

  test('validates and runs by its own scripts, and is in the schema and the list of components', async () => {
    const hello = join(folder, 'hello')
    assert.match(run(hello, 'npm', 'run', 'validate'), /telegen validate/)
    const config = ['--config', 'config.yaml']
    assert.match(
      run(hello, 'npx', '--no-install', 'telegen', 'schema', ...config),
      /Reports how many entries a folder has\./,
    )
    assert.match(
      run(hello, 'npx', '--no-install', 'telegen', 'components', ...config),
      /name: hello\n +module: \.\/index\.js/,
    )
    const sets = ['service.telemetry.metrics.level=none', 'receivers.hello.initial_delay=0s']
    const running = spawn('npm', ['start', '--', ...sets.flatMap((set) => ['--set', set])], {
      cwd: hello,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      timeout: PATIENCE,
    })
    const exited = once(running, 'exit')
    let output = ''
    running.stderr.on('data', (text: Buffer) => (output += text.toString()))
    running.stdout.on('data', (text: Buffer) => (output += text.toString()))
    for (const end = performance.now() + PATIENCE; !output.includes('hello.entries') && running.exitCode === null;) {
      assert.ok(performance.now() < end, output)
      await Promise.race([once(running.stderr, 'data'), once(running.stdout, 'data'), exited])
    }
    assert.match(output, /hello\.entries/)
    process.kill(-(running.pid as number), 'SIGTERM')
    await exited
  })
})
