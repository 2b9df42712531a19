import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { realpathSync } from 'node:fs'
import { afterEach, describe, test } from 'node:test'
import { Selection } from '../../../../src/receivers/ebpf/processes/selection.ts'
import type { SelectionOptions } from '../../../../src/receivers/ebpf/processes/selection-options.ts'
import { ownPid, ProcessTable } from '../../../../src/receivers/ebpf/processes/table.ts'

const isLinux = process.platform === 'linux'
const python = spawnSync('python3', ['-c', 'import sys; print(sys.executable)']).stdout?.toString().trim()

let children: ChildProcess[] = []
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children = []
})

/** Resolves to its pid once it has written a line, so that it runs what it is meant to. */
async function run(command: string, given: string[], environment: Record<string, string> = {}): Promise<number> {
  const child = spawn(command, given, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], ...environment },
  })
  children.push(child)
  await once(child.stdout, 'data')
  return child.pid as number
}

const table = (selection: Partial<SelectionOptions> = {}, own: number[] = []) =>
  new ProcessTable({
    selection: new Selection({ include: [], exclude: [], ...selection }),
    own,
    verdict: () => {},
  })

describe('Real processes', { skip: !isLinux && 'needs /proc' }, () => {
  test('node: its script, its variables, its executable', async () => {
    const script = 'console.log(1); setInterval(() => {}, 1000)'
    const pid = await run(process.execPath, ['-e', script], { OTEL_RESOURCE_ATTRIBUTES: 'service.name=cart' })
    const { resource, executable, name } = table().of(pid)
    assert.equal(executable, realpathSync(process.execPath))
    assert.equal(resource['service.name'], 'cart')
    assert.equal(resource['process.pid'], pid)
    assert.ok(name.length > 0)
  })

  test('python: its module', { skip: !python && 'python3 is not installed' }, async () => {
    // A module that answers once it listens, and then stays.
    const pid = await run('python3', ['-u', '-m', 'http.server', '--bind', '127.0.0.1', '0'])
    const { resource, executable } = table().of(pid)
    assert.equal(resource['service.name'], 'http.server')
    assert.match(executable ?? '', /python/)
  })

  test('bash: itself, without its arguments', async () => {
    const pid = await run('bash', ['-c', 'echo 1; read -t 60 <> <(:)', 'secret'])
    const { resource } = table().of(pid)
    assert.equal(resource['service.name'], 'bash')
    assert.doesNotMatch(JSON.stringify(resource), /secret/)
  })

  test('a port that it listens on chooses it, and another does not', async () => {
    const script = `require('node:net').createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port) })`
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const port = Number(line.toString())
    assert.equal(table({ include: [{ ports: [port] }] }).of(child.pid as number).traced, true)
    assert.equal(table({ include: [{ ports: [1] }] }).of(child.pid as number).traced, false)
    assert.equal(table({ exclude: [{ ports: [`${port}-${port}`] }] }).of(child.pid as number).traced, false)
  })

  test('this process is its own by /proc too', () => {
    assert.equal(ownPid(), process.pid)
    assert.equal(table({}, [ownPid()]).of(process.pid).traced, false)
  })
})
