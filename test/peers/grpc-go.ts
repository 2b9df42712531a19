import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { TestContext } from 'node:test'

const SCRIPT = fileURLToPath(new URL('../../scripts/grpc-go-peer', import.meta.url))
/** Building it takes a quarter of a minute where nobody else builds. */
const PATIENCE = 240_000
/** What the script ends with where Go is missing. */
const MISSING = 4

/** The peer of gRPC's own library for Go, or why there is none. */
export function findPeer(): { readonly program: string } | { readonly missing: string } {
  const { status, stdout, stderr } = spawnSync(SCRIPT, { encoding: 'utf8', timeout: PATIENCE })
  if (status === 0) return { program: stdout.trim() }
  if (status === MISSING) return { missing: stderr.trim() }
  throw new Error(`grpc-go-peer failed: ${stderr}`)
}

/** A server of grpc-go; its port. */
export async function serveGo(t: TestContext, program: string, ...options: readonly string[]): Promise<number> {
  const child = spawn(program, ['serve', ...options], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill())
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return Number(String(line))
}

/** What a client of grpc-go says: `ok` and how many calls were answered, or the first that was not. */
export async function callGo(program: string, port: number, ...options: readonly string[]): Promise<string> {
  const child = spawn(program, ['call', '-target', `localhost:${port}`, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += String(chunk)))
  await once(child, 'close')
  return said.trim()
}
