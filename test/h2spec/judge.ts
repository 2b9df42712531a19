import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const BUILD = fileURLToPath(new URL('../../scripts/h2spec', import.meta.url))
/** What the script ends with where Go is missing. */
const WITHOUT_GO = 4
const BUILDING = 120_000
const RUNNING = 120_000
/** Seconds after which a case has failed. */
const PATIENCE = '4'
/** A method that exists: h2spec asks it as HTTP does, and wants an answer, whatever it is. */
const PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'

export interface Verdict {
  readonly cases: number
  readonly passed: number
  /** `section: case`, of those that failed or were skipped. */
  readonly others: readonly string[]
  readonly report: string
}

/** h2spec's program, or why there is none. */
export function findJudge(): { readonly program: string } | { readonly missing: string } {
  const { status, stdout, stderr } = spawnSync(BUILD, { encoding: 'utf8', timeout: BUILDING })
  if (status === 0) return { program: stdout.trim() }
  if (status === WITHOUT_GO) return { missing: stderr.trim() }
  throw new Error(`h2spec cannot be built:\n${stderr}`)
}

/** Holds what listens at `port` to all of HTTP/2, its strict cases too. `sections` are h2spec's: none means all. */
export async function judge(
  program: string,
  port: number,
  isSecure: boolean,
  sections: readonly string[] = [],
): Promise<Verdict> {
  const folder = await mkdtemp(join(tmpdir(), 'telegen-h2spec-'))
  try {
    const junit = join(folder, 'report.xml')
    const words = [
      ...sections,
      '--strict',
      '-h',
      '127.0.0.1',
      '-p',
      String(port),
      '-P',
      PATH,
      '-o',
      PATIENCE,
      '-j',
      junit,
    ]
    const report = await said(program, isSecure ? [...words, '--tls', '--insecure'] : words)
    return { ...readJunit(await readFile(junit, 'utf8')), report }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What a program says. h2spec ends with 1 where a case failed, which its report tells better. */
const said = (program: string, words: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile(program, words, { timeout: RUNNING, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (error && error.code !== 1) reject(new Error(`h2spec: ${error.message}\n${stderr}`))
      else resolve(stdout)
    })
  })

function readJunit(xml: string): Omit<Verdict, 'report'> {
  const cases = [...xml.matchAll(/<testcase package="([^"]*)" classname="([^"]*)"[^>]*?(\/>|>[\s\S]*?<\/testcase>)/g)]
  const others = cases
    .filter(([, , , content]) => /<(failure|error|skipped)/.test(content ?? ''))
    .map(([, section, title]) => `${section}: ${title}`)
  return { cases: cases.length, passed: cases.length - others.length, others }
}
