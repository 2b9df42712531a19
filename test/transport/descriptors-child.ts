import { openSync, closeSync } from 'node:fs'
import { Options } from '../../src/component/options.ts'
import { httpServerOptions } from '../../src/transport/http-server-options.ts'
import { startHttpServer } from '../../src/transport/http.ts'
import { configured } from './configured.ts'
import { quiet } from './quiet.ts'

/** A server in a process of its own, which tells about itself when it is asked. */
const lines: string[] = []
const server = await startHttpServer(configured({ config: Options(httpServerOptions('127.0.0.1:0')) }, '{}'), {
  handle: async () => ({ status: 200, headers: {}, body: 'x' }),
  log: { ...quiet, warn: (_, line) => void lines.push(line), error: (_, line) => void lines.push(line) },
})

/** How many files it may open besides. */
function spare(): number {
  const opened: number[] = []
  try {
    while (opened.length < 100) opened.push(openSync('/dev/null', 'r'))
  } catch {
    // That is the limit.
  }
  for (const file of opened) closeSync(file)
  return opened.length
}

let before = process.cpuUsage()
process.on('message', () => {
  const { user, system } = process.cpuUsage(before)
  before = process.cpuUsage()
  process.send?.({ lines, spare: spare(), cpu: (user + system) / 1000 })
})
process.send?.({ port: (server.address as { port: number }).port })
