import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, afterEach, describe, test } from 'node:test'
import { loadAddon } from '../../../src/native/load-addon.ts'
import type { ProbePlace } from '../../../src/native/loader.ts'
import { probe } from '../../../src/native/probes.ts'
import { ground, Target } from './ground.ts'

const NOBODY = 65534
const PATIENCE = 20_000
const AGENT = new URL('agent-process.ts', import.meta.url).pathname
const MAIN = new URL('../../../src/cli/main.ts', import.meta.url).pathname

const native = loadAddon()

describe('an agent without privileges', { skip: (await reasonToSkip()) ?? false }, () => {
  if (native.kind !== 'loaded') return
  const { folder, prebuilt, target } = ground(native.folder)
  const unadmitted = join(folder, 'unadmitted')
  copyFileSync(target, unadmitted)
  const socket = join(folder, 'loader.sock')
  const env = { ...process.env, TELEGEN_PREBUILT: prebuilt }
  const started: Lines[] = []
  const targets: Target[] = []
  afterEach(async () => {
    for (const each of started.splice(0)) await each.end()
    for (const each of targets.splice(0)) await each.end()
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  async function startLoader(...flags: readonly string[]): Promise<Lines> {
    const given = [MAIN, 'bpf-loader', '--socket', socket, '--user', `${NOBODY}`, '--mode', '0666', ...flags]
    const loader = new Lines(spawn(process.execPath, given, { env }))
    started.push(loader)
    await loader.line((line) => line.includes('Agents are served'))
    return loader
  }
  function startAgent(): Lines {
    const agent = new Lines(spawn(process.execPath, [AGENT, socket], { uid: NOBODY, gid: NOBODY, cwd: '/', env }))
    started.push(agent)
    return agent
  }
  function startTarget(path = target): Target {
    const each = new Target(path)
    targets.push(each)
    return each
  }
  const place = (pid: number, path = target): ProbePlace => ({
    kind: 'uprobe_multi',
    pid,
    path,
    symbols: ['first', 'second'],
    returns: false,
  })

  test('has processes probed that the loader admits, and sees what the programs cost', async () => {
    const loader = await startLoader('--admit-executables', `/nowhere/*,${folder}/{target,other}`, '--stats')
    const status = readFileSync(`/proc/${loader.pid}/status`, 'utf8')
    // CAP_NET_ADMIN, CAP_SYS_PTRACE, CAP_PERFMON, CAP_BPF.
    assert.match(status, /CapEff:\s*000000c000081000\nCapBnd:\s*000000c000081000/)
    const keeper = children(loader.pid).map((pid) => readFileSync(`/proc/${pid}/status`, 'utf8'))
    assert.equal(keeper.length, 1)
    // CAP_SYS_ADMIN alone.
    assert.match(keeper[0]!, /CapPrm:\s*0000000000200000\nCapEff:\s*0000000000200000\nCapBnd:\s*0000000000200000/)
    assert.match(keeper[0]!, /NoNewPrivs:\s*1/)

    const agent = startAgent()
    const { capabilities, uid } = await agent.answer()
    assert.deepEqual([capabilities, uid], [[], NOBODY])
    const probed = startTarget()
    const { attached } = await agent.ask({ do: 'attach', place: place(probed.pid) })
    assert.equal(typeof attached, 'number')
    await probed.call(3)
    const { runs, programs } = await agent.ask({ do: 'look' })
    assert.equal(runs, 6)
    const counted = (programs as { name: string; runs: number; runTime: number }[]).find(
      ({ name }) => name === 'on_functions',
    )
    assert.equal(counted?.runs, 6)
    assert.ok(counted.runTime > 0)
    assert.deepEqual(await agent.ask({ do: 'detach', handle: attached }), { detached: attached })
    assert.match(String((await agent.ask({ do: 'detach', handle: attached })).failed), /no such probe/)

    const refused = async (with_: ProbePlace): Promise<string> =>
      String((await agent.ask({ do: 'attach', place: with_ })).failed)
    const other = startTarget(unadmitted)
    assert.match(await refused(place(other.pid, unadmitted)), /not one that may be probed/)
    assert.match(await refused(place(loader.pid, process.execPath)), /not one that may be probed/)
    assert.match(await refused(place(probed.pid, 'target')), /no absolute path/)
    assert.match(await refused({ ...place(probed.pid), pid: -1 }), /not a whole number/)
    assert.match(await refused({ ...place(probed.pid), symbols: Array<string>(257).fill('first') }), /at most 256/)
    await loader.end()
    const kept = Number(/^Pid:\s+(\d+)/m.exec(keeper[0]!)?.[1])
    await eventually(
      () => !alive(kept),
      () => 'what keeps the statistics has not ended',
    )
  })

  test('has no more places probed than the loader allows', async () => {
    await startLoader('--admit-executables', target)
    const agent = startAgent()
    assert.match(String((await agent.answer()).said), /without --stats/)
    await agent.answer()
    const probed = startTarget()
    const many = { ...place(probed.pid), symbols: [], offsets: Array<number>(256).fill(firstOf(target)) }
    const answers: Answer[] = []
    for (let asked = 0; asked < 5; asked++) answers.push(await agent.ask({ do: 'attach', place: many }))
    assert.deepEqual(
      answers.map((answer) => Object.keys(answer)[0]),
      ['attached', 'attached', 'attached', 'attached', 'failed'],
    )
    assert.match(String(answers.at(-1)?.failed), /1024 places/)
    await agent.ask({ do: 'detach', handle: answers[0]?.attached })
    assert.equal(typeof (await agent.ask({ do: 'attach', place: many })).attached, 'number')
  })

  test('has none of another user probed by a loader that was not told to keep what that needs', async () => {
    await startLoader()
    const agent = startAgent()
    await agent.answer()
    await agent.answer()
    // Holds privileges that the loader has given up.
    const probed = startTarget()
    const { failed } = await agent.ask({ do: 'attach', place: place(probed.pid) })
    assert.match(String(failed), /may not be looked into \(CAP_SYS_PTRACE\)/)
  })

  const firstOf = (path: string): number => native.addon.elf.symbolOffsets(path, ['first'])[0] as number
})

type Answer = Readonly<Record<string, unknown>>

/** A process, and what it tells line by line. */
class Lines {
  readonly #child: ChildProcess
  readonly #lines: string[] = []
  #answered = 0

  constructor(child: ChildProcess) {
    this.#child = child
    for (const stream of [child.stdout!, child.stderr!])
      createInterface({ input: stream }).on('line', (line) => this.#lines.push(line))
  }

  get pid(): number {
    return this.#child.pid as number
  }

  async line(isIt: (line: string) => boolean): Promise<string> {
    await eventually(
      () => this.#lines.some(isIt),
      () => this.#lines.join('\n').slice(-2000),
    )
    return this.#lines.find(isIt) as string
  }

  /** The next line. */
  async answer(): Promise<Answer> {
    await eventually(
      () => this.#lines.length > this.#answered,
      () => this.#lines.join('\n').slice(-2000),
    )
    return JSON.parse(this.#lines[this.#answered++] as string) as Answer
  }

  ask(order: object): Promise<Answer> {
    this.#child.stdin!.write(`${JSON.stringify(order)}\n`)
    return this.answer()
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await exited
  }
}

function children(pid: number): number[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && alive(Number(name)))
  return all.map(Number).filter((each) => parent(each) === pid)
}

function parent(pid: number): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  } catch {
    // It has ended meanwhile.
    return undefined
  }
}

function alive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

async function eventually(holds: () => boolean, about: () => string): Promise<void> {
  for (const end = performance.now() + PATIENCE; !holds();) {
    assert.ok(performance.now() < end, `it took too long: ${about()}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function reasonToSkip(): Promise<string | undefined> {
  if (native.kind !== 'loaded') return native.reason
  if (process.getuid?.() !== 0) return 'needs root, to have a user that is not'
  if (!native.addon.privileges.effective().includes('CAP_SYS_ADMIN')) return 'needs CAP_SYS_ADMIN'
  if (spawnSync('clang', ['--version']).status !== 0) return 'clang is not installed'
  for (const type of ['uprobe_multi', 'tp_btf'] as const) {
    const result = await probe(native.addon, type)
    if (!result.ok) return `${type} does not work here: ${result.code}`
  }
  const code = `require('fs').readFileSync(${JSON.stringify(AGENT)})`
  const readable = spawnSync(process.execPath, ['-e', code], { uid: NOBODY })
  return readable.status === 0 ? undefined : `the user ${NOBODY} cannot read this checkout`
}
