import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../free-ports.ts'

const FINDER = fileURLToPath(new URL('../../scripts/otelcol', import.meta.url))
const READY = 'Everything is ready'
const PATIENCE = 30_000

/** Where the real Collector is, or why it cannot be asked. */
export function findCollector(): { readonly path: string } | { readonly missing: string } {
  const { status, stdout, stderr } = spawnSync(FINDER, ['--find'], { encoding: 'utf8' })
  return status === 0 ? { path: stdout.trim() } : { missing: stderr.trim() }
}

export interface Request {
  /** `/v1/traces` */
  readonly path: string
  /** OTLP/JSON. */
  readonly body: object
}

/**
 * What the real Collector makes of requests: starts it with `yaml`, in which `PORT` stands for the port of its OTLP receiver over HTTP
 * and `DIR` for a folder that its file exporters write to, sends, stops it, and resolves to the lines of each file by its name.
 */
export async function throughCollector(path: string, yaml: string, requests: readonly Request[]) {
  const directory = await mkdtemp(join(tmpdir(), 'otelcol-'))
  try {
    const [port] = await freePorts(1)
    const config = join(directory, 'config')
    await writeFile(config, yaml.replaceAll('PORT', String(port)).replaceAll('DIR', directory))
    const child = spawn(path, ['--config', config, '--feature-gates=service.profilesSupport'])
    let output = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-100_000)))
    child.stdout.resume()
    const deadline = performance.now() + PATIENCE
    while (!output.includes(READY)) {
      if (child.exitCode !== null || performance.now() > deadline) throw new Error(`otelcol did not start:\n${output}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    for (const { path: at, body } of requests) await post(`http://127.0.0.1:${port}${at}`, body)
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    await exit
    return await filesIn(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function post(url: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`otelcol answered ${answer.status}: ${await answer.text()}`)
  await answer.body?.cancel()
}

async function filesIn(directory: string): Promise<ReadonlyMap<string, object[]>> {
  const files = new Map<string, object[]>()
  for (const name of await readdir(directory)) {
    if (!name.endsWith('.jsonl')) continue
    const text = await readFile(join(directory, name), 'utf8')
    const lines = text.split('\n').filter((line) => line !== '')
    files.set(
      name.replace('.jsonl', ''),
      lines.map((line) => JSON.parse(line) as object),
    )
  }
  return files
}
