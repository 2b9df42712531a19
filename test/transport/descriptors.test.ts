import assert from 'node:assert/strict'
import { fork, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { until } from './until.ts'

const CHILD = fileURLToPath(new URL('descriptors-child.ts', import.meta.url))
const LIMIT = 64

const withoutPrlimit = spawnSync('prlimit', ['--version']).status === 0 ? false : 'prlimit is not installed'

interface Report {
  readonly lines: readonly string[]
  readonly spare: number
  readonly cpu: number
}

const asked = async (child: ChildProcess): Promise<Report> => {
  child.send('how are you')
  return (await once(child, 'message'))[0] as Report
}

describe('File descriptors', { skip: withoutPrlimit }, () => {
  test('are left for files when connections would take all; that is said once, costs no CPU, and passes', async (t) => {
    const child = fork(CHILD, {
      execPath: 'prlimit',
      execArgv: [`--nofile=${LIMIT}`, process.execPath, '--no-warnings'],
    })
    t.after(() => child.kill())
    const [{ port }] = (await once(child, 'message')) as [{ port: number }]
    const idle = await asked(child)
    const sockets: net.Socket[] = []
    const closed = new Set<net.Socket>()
    const connect = () => {
      const socket = net.connect(port, '127.0.0.1')
      socket.on('error', () => {}).on('close', () => closed.add(socket))
      sockets.push(socket)
      t.after(() => socket.destroy())
    }
    for (let i = 0; i < 300; i++) connect()
    await until(() => closed.size >= 300 - LIMIT / 4, 'those that are too many')
    const full = await asked(child)
    const open = 300 - closed.size
    assert.ok(open > 0)
    assert.ok(full.spare >= 5, `${full.spare} files may be opened, ${idle.spare} with no connection`)
    assert.equal(full.lines.length, 1, full.lines.join('\n'))
    assert.match(full.lines[0]!, /Connections are closed at once: .* file descriptors/)
    await new Promise((resolve) => setTimeout(resolve, 500))
    const { cpu } = await asked(child)
    assert.ok(cpu < 250, `${cpu} ms of CPU in half a second of nothing`)
    for (const socket of sockets) socket.destroy()
    const answered = async () => fetch(`http://127.0.0.1:${port}`).then((answer) => answer.text())
    let answer = ''
    for (let i = 0; i < 200 && answer !== 'x'; i++) answer = await answered().catch(() => '')
    assert.equal(answer, 'x')
  })
})
