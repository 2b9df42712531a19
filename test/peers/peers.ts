import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { TestContext } from 'node:test'

/** Building one takes a quarter of a minute where nobody else builds. */
const PATIENCE = 240_000
/** What the scripts end with where the language is missing. */
const MISSING = 4

/** A program that is a client and a server of somebody else's library of gRPC. All take the same words: see go/main.go. */
export interface Peer {
  readonly name: string
  /** Why it cannot be had here. */
  readonly missing: string | undefined
  /** The program and its first words. */
  readonly command: readonly [string, ...string[]]
}

/** Those of gRPC's own libraries for Go and Java. */
export const PEERS: readonly Peer[] = [
  built('grpc-go', (path) => [path]),
  // Its runs are short: what they do is not worth much compiling.
  built('grpc-java', (path) => ['java', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', path, 'Peer']),
]

function built(name: string, commandOf: (path: string) => readonly [string, ...string[]]): Peer {
  const script = fileURLToPath(new URL(`../../scripts/${name}-peer`, import.meta.url))
  const { status, stdout, stderr } = spawnSync(script, { encoding: 'utf8', timeout: PATIENCE })
  if (status !== 0 && status !== MISSING) throw new Error(`${script} failed: ${stderr}`)
  return { name, command: commandOf(stdout.trim()), missing: status === MISSING ? stderr.trim() : undefined }
}

/** A server of the peer; its port. */
export async function servePeer(t: TestContext, { command }: Peer, ...options: readonly string[]): Promise<number> {
  const [program, ...words] = command
  const child = spawn(program, [...words, 'serve', ...options], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill())
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return Number(String(line))
}

/** What a client of the peer says: `ok` and how many calls were answered, or the first that was not. */
export async function callFrom({ command }: Peer, port: number, ...options: readonly string[]): Promise<string> {
  const [program, ...words] = command
  const child = spawn(program, [...words, 'call', '-target', `localhost:${port}`, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += String(chunk)))
  await once(child, 'close')
  return said.trim()
}
