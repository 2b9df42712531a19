import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PATIENCE = 60_000

/**
 * Telegen packed and installed in a folder that has nothing else, as npm does it: the tarball's files under node_modules,
 * beside the packages that its package.json names (here linked, so that the test needs no registry), and its command.
 */
describe('a component made by an installed Telegen', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'telegen-installed-'))
    const packed = run(ROOT, 'npm', 'pack', '--ignore-scripts', '--json', '--pack-destination', folder)
    const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
    const installed = join(folder, 'node_modules/telegen')
    mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true })
    mkdirSync(installed)
    run(folder, 'tar', '-xzf', filename, '--strip-components=1', '-C', installed)
    const { dependencies, bin } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>
      bin: { telegen: string }
    }
    for (const name of Object.keys(dependencies)) {
      mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true })
      symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name), 'dir')
    }
    symlinkSync(join('../telegen', bin.telegen), join(folder, 'node_modules/.bin/telegen'))
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

function run(directory: string, program: string, ...words: string[]): string {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    cwd: directory,
    env,
    encoding: 'utf8',
    timeout: PATIENCE,
  })
  assert.ifError(error)
  assert.equal(status, 0, `${program} ${words.join(' ')}\n${stdout}${stderr}`)
  return stdout
}
