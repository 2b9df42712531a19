import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import type { Row } from '../harness/row.ts'
import type { Scene } from '../harness/scene.ts'

/** What a process may have is used up: rows 23 and 24 of the fault table. */
const MEBIBYTE = 2 ** 20
const FDS = 96

const fds: Row = {
  name: 'fd-exhaustion',
  about: `${FDS} file descriptors, and connections for all of them: no busy loop, who is connected is served, and it ends with the fault.`,
  queues: ['memory', 'disk'],
  missing: () => (spawnSync('prlimit', ['--version']).status === 0 ? undefined : 'prlimit is not here'),
  scene: { retry: 30_000, telegen: { under: ['prlimit', `--nofile=${FDS}:${FDS}`] } },
  mayDouble: 'a sender whose connection was cut before its answer sends again',
  async run(scene) {
    await scene.load(1_000)
    await scene.last(1_000)
    const sockets = Array.from({ length: FDS * 2 }, () => connect(scene.ports.http, '127.0.0.1'))
    for (const socket of sockets) socket.on('error', () => undefined).resume()
    await scene.last(1_000)
    const busy = processorTime(scene.telegen.pid)
    await scene.last(3_000)
    const share = (processorTime(scene.telegen.pid) - busy) / 3_000
    const standing = stillOpen(sockets)
    scene.strike(sockets.length - standing, 'connections that found no descriptor')
    scene.note(
      `${Math.round(share * 100)} % of a processor meanwhile; ${openFiles(scene.telegen.pid)} descriptors in use`,
    )
    scene.expect(share < 0.7, `a busy loop: ${Math.round(share * 100)} % of a processor`)
    for (const socket of sockets) socket.destroy()
    scene.heal()
    await scene.last(500)
  },
}

const stillOpen = (sockets: readonly Socket[]) =>
  sockets.filter((socket) => !socket.destroyed && socket.readyState === 'open').length
const openFiles = (pid: number) => Number(spawnSync('sh', ['-c', `ls /proc/${pid}/fd | wc -l`]).stdout.toString())

/** Milliseconds of processor that a process has had; the kernel counts in hundredths of a second. */
function processorTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** A backend that hangs, and much more than fits comes in: refused at the gate, and nothing dies. */
async function flooded(scene: Scene, limit: number): Promise<void> {
  await scene.behave({ kind: 'hang' })
  await scene.load(20_000)
  let most = 0
  for (const end = performance.now() + (scene.long ? 30_000 : 10_000); performance.now() < end; await scene.last(100)) {
    if (!scene.telegen.isRunning) break
    most = Math.max(most, scene.telegen.memory)
  }
  await scene.generator.call('stop')
  const { answers } = await scene.generator.call('ledger')
  scene.note(`at most ${Math.round(most / MEBIBYTE)} MiB of anonymous memory; answers ${JSON.stringify(answers)}`)
  scene.expect(scene.telegen.isRunning, 'the process died')
  scene.expect(most < limit, `${Math.round(most / MEBIBYTE)} MiB of anonymous memory`)
  if (scene.queue === 'memory') scene.strike(answers['429'] ?? 0, 'requests refused with 429')
  else scene.strike(await scene.struckSink('hang'), 'requests never answered')
  await scene.behave({ kind: 'ok' })
  scene.heal()
}

const limits = { service: { limits: { traces: '32MiB' } } }

const heap: Row = {
  name: 'heap-limit',
  about: 'A heap of 64 MiB, a backend that hangs, 20,000 records a second: the gate closes before the heap is full.',
  queues: ['memory', 'disk'],
  alone: true,
  scene: { size: 200, telegen: { node: ['--max-old-space-size=64'] }, config: () => limits },
  run: (scene) => flooded(scene, 400 * MEBIBYTE),
}

const CGROUP = '/sys/fs/cgroup/memory'
const CGROUP_BYTES = 320 * MEBIBYTE

const cgroup: Row = {
  name: 'memory-cgroup',
  about: 'A control group of 320 MiB, a backend that hangs, 20,000 records a second: the kernel kills nobody.',
  queues: ['memory', 'disk'],
  alone: true,
  missing: () =>
    existsSync(join(CGROUP, 'memory.limit_in_bytes')) && process.getuid?.() === 0
      ? undefined
      : 'no memory control group (version 1) to make one in',
  scene: { size: 200, idle: true, config: () => limits },
  async run(scene) {
    const group = join(CGROUP, `telegen-chaos-${process.pid}`)
    mkdirSync(group)
    try {
      writeFileSync(join(group, 'memory.limit_in_bytes'), String(CGROUP_BYTES))
      scene.telegen.options = {
        ...scene.telegen.options,
        under: ['sh', '-c', `echo $$ > ${group}/tasks; exec "$@"`, 'sh'],
      }
      await scene.telegen.start()
      await flooded(scene, CGROUP_BYTES)
      const most = Number(readFileSync(join(group, 'memory.max_usage_in_bytes'), 'utf8'))
      scene.note(
        `the group had at most ${Math.round(most / MEBIBYTE)} of ${CGROUP_BYTES / MEBIBYTE} MiB, pages of files included`,
      )
      await scene.recovery
      await scene.telegen.stop()
      scene.telegen.options = { ...scene.telegen.options, under: [] }
      await scene.telegen.start()
    } finally {
      await scene.telegen.kill().catch(() => undefined)
      rmdirSync(group)
    }
    await scene.telegen.start()
  },
}

export const resourceRows: readonly Row[] = [fds, heap, cgroup]
