import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { Agent, createServer, request } from 'node:http'
import type { RequestOptions, Server } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Call, Program, Traffic } from '../findings.ts'
import { answerQueries, ask } from './names.ts'

/** Unusual ones: on a machine that others work on, too, nobody else uses them. */
const FILES = 18_481
const APPLICATION = 18_482
const NOBODY = 18_483
export const NAMES = 18_453

const KEPT_ALIVE = 5
const PATIENCE_MS = 60_000
const POLL_MS = 100

/** Does a little of everything that tracers see, and tells what it did. */
export async function makeTraffic(busybox: string, folder: string): Promise<Traffic> {
  const files = await serveFiles(busybox, folder)
  const application = await serveApplication()
  try {
    const calls = [
      await wget(busybox, { method: 'GET', path: '/hello.txt', status: 200, port: FILES }),
      await wget(busybox, { method: 'POST', path: '/orders/41', status: 201, port: APPLICATION }, process.pid),
      await get({ host: '127.0.0.1', port: FILES, path: '/missing', agent: false }),
      ...(await keepAlive()),
    ]
    const refused = await refusal()
    const queries = await answerQueries(NAMES, () => ask(NAMES))
    const processes = [
      await run(busybox, ['true', '--password=hunter2', 'plain']),
      await run(busybox, ['sh', '-c', 'exit 7']),
      await run(busybox, ['sh', '-c', 'kill -9 $$']),
    ]
    const connections = [
      { port: FILES, count: 2 },
      { port: APPLICATION, count: 2 },
    ]
    return { pid: process.pid, calls, connections, refused, queries, queryPort: NAMES, processes }
  } finally {
    files.kill()
    application.close()
  }
}

async function serveFiles(busybox: string, folder: string): Promise<ChildProcess> {
  const root = join(folder, 'files')
  mkdirSync(root, { recursive: true })
  writeFileSync(join(root, 'hello.txt'), 'hello\n'.repeat(100))
  const server = spawn(busybox, ['httpd', '-f', '-p', `127.0.0.1:${FILES}`, '-h', root], { stdio: 'ignore' })
  // Whether it listens is looked up, not tried: each try would be a connection more.
  const port = `:${FILES.toString(16).toUpperCase()} 00000000:0000 0A`
  const { readFileSync } = process.getBuiltinModule('node:fs')
  for (const end = performance.now() + PATIENCE_MS; !readFileSync('/proc/net/tcp', 'utf8').includes(port);)
    if (performance.now() > end) throw new Error('httpd does not listen')
    else await pause(POLL_MS)
  return server
}

async function serveApplication(): Promise<Server> {
  const server = createServer((incoming, answer) => {
    incoming.resume().on('end', () => {
      answer.statusCode = incoming.method === 'POST' ? 201 : 200
      answer.end(`that was ${incoming.url}\n`)
    })
  })
  server.listen(APPLICATION, '::')
  await once(server, 'listening')
  return server
}

async function wget(busybox: string, call: Omit<Call, 'client'>, server?: number): Promise<Call> {
  const body = call.method === 'POST' ? ['--post-data', 'amount=3'] : []
  const url = `http://127.0.0.1:${call.port}${call.path}`
  const { pid, code, signal } = await run(busybox, ['wget', '-q', '-O', '/dev/null', ...body, url])
  if (code !== 0) throw new Error(`wget ended with ${code ?? signal}`)
  return { ...call, client: pid, server }
}

/** Several requests over one connection, of IPv6. */
async function keepAlive(): Promise<Call[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const calls: Call[] = []
  for (let each = 1; each <= KEPT_ALIVE; each++) {
    const call = await get({ host: '::1', port: APPLICATION, path: `/kept/${each}`, agent })
    calls.push({ ...call, server: process.pid })
  }
  agent.destroy()
  return calls
}

async function get(options: RequestOptions & { readonly port: number; readonly path: string }): Promise<Call> {
  const { port, path } = options
  const status = await new Promise<number>((resolve, reject) => {
    const asking = request(options, (answer) => answer.resume().on('end', () => resolve(answer.statusCode as number)))
    asking.on('error', reject)
    asking.end()
  })
  return { method: 'GET', path, status, port, client: process.pid }
}

async function refusal(): Promise<Traffic['refused']> {
  const socket = connect(NOBODY, '127.0.0.1')
  const [error] = (await once(socket, 'error').catch((thrown: unknown) => [thrown])) as [NodeJS.ErrnoException]
  if (error.code !== 'ECONNREFUSED') throw error
  return { pid: process.pid, port: NOBODY }
}

async function run(busybox: string, given: readonly string[]): Promise<Program> {
  const child = spawn(busybox, given, { stdio: 'ignore', timeout: PATIENCE_MS })
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  return { pid: child.pid as number, arguments: [busybox, ...given], code, signal }
}
