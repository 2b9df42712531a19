/**
 * `npm run test:kernels [-- --kernel 6.1] [--write] [--findings FOLDER]`: loads and attaches all programs on Debian's kernels, under emulation, and on this machine's own where it is root, and
 * holds what each tracer sees by each of its hooks to what was done. Exits 1 where something is wrong, or no kernel could be had.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { boot, EMULATOR, Unbooted } from './boot.ts'
import type { Findings } from './findings.ts'
import { bundleInside, makeImage } from './image.ts'
import { judge } from './judge.ts'
import { columnOf, kernelsPage } from './table.ts'
import type { Column } from './table.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SERIES = ['5.10', '6.1', '6.12', '6.18']
const LOCAL = 'local'
const LOCAL_MS = 300_000
const FETCH_MS = 600_000
const DATA = join(ROOT, 'docs/kernels.json')
const PAGE = join(ROOT, 'docs/kernels.md')

/** A kernel that cannot be had here, and why. */
class Skipped extends Error {
  override readonly name = 'Skipped'
}

const { values } = parseArgs({
  options: {
    kernel: { type: 'string', multiple: true },
    write: { type: 'boolean' },
    findings: { type: 'string' },
  },
})
const wanted = values.kernel ?? [...SERIES, LOCAL]
const folder = mkdtempSync(join(tmpdir(), 'telegen-kernels-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const columns: Record<string, Column> = {}
let wrong = 0
let image: string | undefined

for (const series of wanted) {
  try {
    const findings = series === LOCAL ? await onThisMachine() : await emulated(series)
    if (values.findings) writeFileSync(join(values.findings, `${series}.json`), JSON.stringify(findings))
    tell(series, findings)
  } catch (thrown) {
    if (thrown instanceof Skipped) console.log(`${series}: skipped: ${thrown.message}`)
    else if (thrown instanceof Unbooted) fail(`${series}: ${thrown.message}`)
    else throw thrown
  }
}
const ran = Object.keys(columns)
console.log(`ran on ${ran.length === 0 ? 'no kernel' : ran.join(', ')}; ${wrong} wrong`)
if (values.write && ran.length > 0) write()
process.exitCode = wrong === 0 && ran.length > 0 ? 0 : 1

async function emulated(series: string): Promise<Findings> {
  const missing = [EMULATOR, 'busybox', 'cpio', 'ldd'].find((program) => pathOf(program) === undefined)
  if (missing) throw new Skipped(`${missing} is missing: apt-get install qemu-system-x86 busybox-static cpio libc-bin`)
  const { status, stdout, stderr } = spawnSync(join(ROOT, 'scripts/kernels'), [series], {
    encoding: 'utf8',
    timeout: FETCH_MS,
  })
  if (status !== 0) throw new Skipped(stderr.trim() || 'it could not be fetched in time')
  image ??= await makeImage(folder, pathOf('busybox') as string)
  return boot(stdout.trim(), image, folder)
}

async function onThisMachine(): Promise<Findings> {
  if (process.geteuid?.() !== 0) throw new Skipped('it needs root')
  const busybox = pathOf('busybox')
  if (busybox === undefined) throw new Skipped('busybox is missing')
  const [inside, out] = [join(folder, 'inside.mjs'), join(folder, 'findings.json')]
  await bundleInside(inside)
  const main = join(ROOT, 'dist/cli/main.js')
  const { status, stderr } = spawnSync(process.execPath, [inside, main, busybox, join(folder, LOCAL), out], {
    encoding: 'utf8',
    timeout: LOCAL_MS,
    env: { ...process.env, TELEGEN_PREBUILT: join(ROOT, 'prebuilt', `linux-${process.arch}`) },
  })
  if (status !== 0) throw new Unbooted(stderr.trim())
  return JSON.parse(readFileSync(out, 'utf8')) as Findings
}

/** One line for each tracer and rung. Debian's kernels have all hooks, so that what is not available there is wrong; a host may refuse some. */
function tell(series: string, findings: Findings): void {
  const verdicts = judge(findings)
  for (const { tracer, rung, state, reasons } of verdicts) {
    const line = `${series} (${findings.kernel}) ${tracer} ${rung}: ${[state, ...reasons].join('; ')}`
    if (state === 'right' || (state === 'unavailable' && series === LOCAL)) console.log(line)
    else fail(line)
  }
  for (const { tracer, rung, program, reason, log } of findings.programs)
    if (reason !== undefined) {
      console.log(`${series} (${findings.kernel}) ${tracer} ${rung} ${program}: ${reason}`)
      if (log) console.log(log.trimEnd().replaceAll(/^/gm, '    '))
    }
  for (const error of findings.errors) fail(`${series}: Telegen said: ${error}`)
  if (findings.errors.length > 0 || verdicts.some(({ state }) => state === 'wrong'))
    console.log(findings.log.join('\n').replaceAll(/^/gm, '    '))
  columns[series] = columnOf(findings, verdicts)
}

function fail(line: string): void {
  wrong++
  console.log(line)
}

/** Kernels that did not run this time keep what was found before. */
function write(): void {
  const before = existsSync(DATA) ? (JSON.parse(readFileSync(DATA, 'utf8')) as Record<string, Column>) : {}
  const all = [...SERIES, LOCAL].flatMap((series) => {
    const column = columns[series] ?? before[series]
    return column ? [[series, column] as const] : []
  })
  writeFileSync(DATA, `${JSON.stringify(Object.fromEntries(all), undefined, 2)}\n`)
  writeFileSync(PAGE, kernelsPage(Object.fromEntries(all)))
  const files = [DATA, PAGE]
  spawnSync(process.execPath, [join(ROOT, 'node_modules/prettier/bin/prettier.cjs'), '--write', ...files])
}

function pathOf(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.map((each) => join(each, program)).find((path) => existsSync(path))
}
