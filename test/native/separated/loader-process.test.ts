import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, afterEach, describe, test } from 'node:test'
import { loadAddon } from '../../../src/native/load-addon.ts'
import { probe } from '../../../src/native/probes.ts'
import { readObject } from '../../../src/native/objects.ts'

const NOBODY = 65534
const SOMEBODY = 65533
const PATIENCE = 20_000
const AGENT = new URL('agent-process.ts', import.meta.url).pathname
const MAIN = new URL('../../../src/cli/main.ts', import.meta.url).pathname

const native = loadAddon()
const why = await reasonToSkip()

describe('an agent without privileges', { skip: why ?? false }, () => {
  if (native.kind !== 'loaded' || why !== undefined) return
  const { addon } = native
  const folder = mkdtempSync(join(tmpdir(), 'telegen-loader-'))
  chmodSync(folder, 0o755)
  const socket = join(folder, 'loader.sock')
  const started: Told[] = []
  afterEach(async () => {
    for (const each of started.splice(0)) await each.end('SIGKILL')
  })
  after(() => rmSync(folder, { recursive: true }))

  const startLoader = async (): Promise<Told> => {
    const loader = new Told(
      spawn(process.execPath, [MAIN, 'bpf-loader', '--socket', socket, '--user', `${NOBODY}`, '--mode', '0666']),
    )
    started.push(loader)
    await loader.line((line) => line.includes('Agents are served'))
    return loader
  }
  const startAgent = (uid = NOBODY): Told => {
    const agent = new Told(spawn(process.execPath, [AGENT, socket], { uid, gid: uid, cwd: '/' }))
    started.push(agent)
    return agent
  }
  const traced = async (agent: Told): Promise<Loaded> =>
    JSON.parse(await agent.line((line) => line.includes('"loaded"'))) as Loaded
  const attached = (ids: readonly number[]): number[] =>
    addon.programs().flatMap(({ id }) => (ids.includes(id) ? [id] : []))

  test('reads what the loader attached for it, and neither has more privileges than it needs', async () => {
    const loader = await startLoader()
    const agent = startAgent()
    const { loaded, capabilities, uid, programs } = await traced(agent)
    assert.deepEqual([loaded, capabilities, uid], ['tp_btf', [], NOBODY])
    assert.deepEqual(attached(programs), programs)
    for (const thread of readdirSync(`/proc/${loader.pid}/task`)) {
      const status = readFileSync(`/proc/${loader.pid}/task/${thread}/status`, 'utf8')
      // CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF.
      assert.match(status, /CapEff:\s*000000c000001000\nCapBnd:\s*000000c000001000/)
      assert.match(status, /NoNewPrivs:\s*1/)
    }
    spawnSync('/bin/sh', ['-c', 'exec /bin/true telegen-was-here'])
    await agent.line((line) => line.includes('telegen-was-here'))
    await loader.end('SIGTERM')
    assert.equal(loader.code, 0)
    // The kernel frees what a process let go of a little after it has ended.
    await eventually(() => attached(programs).length === 0)
  })

  test('that is killed leaves nothing attached, and the next is served', async () => {
    await startLoader()
    const agent = startAgent()
    const { programs } = await traced(agent)
    await agent.end('SIGKILL')
    await eventually(() => attached(programs).length === 0)
    const next = await traced(startAgent())
    assert.equal(attached(next.programs).length, programs.length)
  })

  test('hears that the loader was killed, which leaves nothing attached, and has all loaded anew when it is back', async () => {
    const loader = await startLoader()
    const agent = startAgent()
    const { programs } = await traced(agent)
    agent.forget()
    await loader.end('SIGKILL')
    await eventually(() => attached(programs).length === 0)
    await agent.line((line) => line.includes('"lost"'))
    await startLoader()
    const again = await traced(agent)
    assert.deepEqual(attached(again.programs), again.programs)
    spawnSync('/bin/sh', ['-c', 'exec /bin/true telegen-once-more'])
    await agent.line((line) => line.includes('telegen-once-more'))
  })

  test('of another user is refused, as is a second of the same', async () => {
    const loader = await startLoader()
    const stranger = startAgent(SOMEBODY)
    assert.match(await stranger.line((line) => line.includes('"failed"')), /does not serve the user 65533/)
    await loader.line((line) => line.includes('Refused') && line.includes(`"uid":${SOMEBODY}`))
    await traced(startAgent())
    assert.match(await startAgent().line((line) => line.includes('"failed"')), /serves another agent/)
  })
})

interface Loaded {
  readonly loaded: string
  readonly capabilities: readonly string[]
  readonly uid: number
  readonly programs: number[]
}

/** A process, and what it has told. */
class Told {
  readonly #child: ChildProcess
  readonly #exit: Promise<unknown>
  #lines: string[] = []

  constructor(child: ChildProcess) {
    this.#child = child
    this.#exit = new Promise((resolve) => child.once('exit', resolve))
    for (const stream of [child.stdout!, child.stderr!])
      createInterface({ input: stream }).on('line', (line) => this.#lines.push(line))
  }

  get pid(): number {
    return this.#child.pid!
  }

  get code(): number | null {
    return this.#child.exitCode
  }

  forget(): void {
    this.#lines = []
  }

  async line(isIt: (line: string) => boolean): Promise<string> {
    await eventually(
      () => this.#lines.some(isIt),
      () => this.#lines.join('\n').slice(-2000),
    )
    return this.#lines.find(isIt)!
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.#child.kill(signal)
    await this.#exit
  }
}

async function eventually(holds: () => boolean, about = (): string => ''): Promise<void> {
  for (const end = performance.now() + PATIENCE; !holds();) {
    assert.ok(performance.now() < end, `it took too long: ${about()}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function reasonToSkip(): Promise<string | undefined> {
  if (native.kind !== 'loaded') return native.reason
  if (process.getuid?.() !== 0) return 'needs root, to have a user that is not'
  const held = native.addon.privileges.effective()
  if (!held.includes('CAP_BPF') || !held.includes('CAP_SETUID')) return 'needs CAP_BPF and CAP_SETUID'
  const typed = await probe(native.addon, 'tp_btf')
  if (!typed.ok) return `typed tracepoints do not work here: ${typed.code}`
  try {
    readObject(native.folder, 'exec/tp_btf')
  } catch (error) {
    return (error as Error).message
  }
  const readable = spawnSync(process.execPath, ['-e', `require('fs').readFileSync(${JSON.stringify(AGENT)})`], {
    uid: NOBODY,
  })
  return readable.status === 0 ? undefined : `the user ${NOBODY} cannot read this checkout`
}
