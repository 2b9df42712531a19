import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { started } from './children.ts'

const START_LIMIT_MS = 10_000
const POLL_MS = 20
const BODY = '{"id":42,"state":"shipped"}'

/** A program that answers, on a core of its own. */
export interface Server {
  readonly port: number
  /** The process that does the work. */
  readonly pid: number
  stop(): Promise<void>
}

/** One worker, a small fixed answer, connections kept alive without end. */
export async function nginx(port: number, core: number): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'telegen-nginx-'))
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, 'tmp'))
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/tmp/${name};`,
  )
  writeFileSync(
    join(folder, 'nginx.conf'),
    `worker_processes 1; daemon off; pid ${folder}/pid; error_log stderr crit; events { worker_connections 512; }
http { access_log off; ${temporary.join(' ')} keepalive_requests 100000000;
  server { listen 127.0.0.1:${port}; location / { default_type application/json; return 200 '${BODY}'; } } }`,
  )
  const child = started(
    spawn('taskset', ['-c', String(core), 'nginx', '-e', 'stderr', '-c', join(folder, 'nginx.conf')], {
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
  )
  await answers(port, child)
  return { port, pid: await onlyChild(child), stop: () => stop(child, folder) }
}

/** `node:http`, the same answer. */
export async function node(port: number, core: number): Promise<Server> {
  const source = `require('http').createServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end('${BODY}')
  }).listen(${port}, '127.0.0.1').keepAliveTimeout = 0`
  const child = started(spawn('taskset', ['-c', String(core), process.execPath, '-e', source], { stdio: 'inherit' }))
  await answers(port, child)
  return { port, pid: child.pid as number, stop: () => stop(child) }
}

/** Knows one name, and asks nobody. Port 53: nothing else is taken for DNS by default. */
export async function dnsmasq(core: number): Promise<Server> {
  const options = '--keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --bind-interfaces --user=root'
  const own = ['--listen-address=127.0.0.1', '--pid-file=', '--address=/host.test/192.0.2.7']
  const child = started(
    spawn('taskset', ['-c', String(core), 'dnsmasq', ...options.split(' '), ...own], { stdio: 'inherit' }),
  )
  await answers(53, child)
  return { port: 53, pid: child.pid as number, stop: () => stop(child) }
}

async function answers(port: number, child: ChildProcess): Promise<void> {
  const limit = performance.now() + START_LIMIT_MS
  while (!(await isOpen(port))) {
    if (child.exitCode !== null || performance.now() > limit)
      throw new Error(`${child.spawnargs.join(' ')} does not answer at ${port}`)
    await pause(POLL_MS)
  }
}

/** It listens before it has started its worker. */
async function onlyChild({ pid }: ChildProcess): Promise<number> {
  const limit = performance.now() + START_LIMIT_MS
  while (performance.now() < limit) {
    const [worker] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean)
    if (worker !== undefined) return Number(worker)
    await pause(POLL_MS)
  }
  throw new Error(`process ${pid} has no worker`)
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => (socket.destroy(), resolve(true)))
    socket.on('error', () => resolve(false))
  })

async function stop(child: ChildProcess, folder?: string): Promise<void> {
  child.kill('SIGTERM')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  if (folder !== undefined) rmSync(folder, { recursive: true })
}
