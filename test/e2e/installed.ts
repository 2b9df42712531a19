import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const PATIENCE = 60_000

/**
 * Telegen packed and installed in a folder that has nothing else, as npm does it: the tarball's files under node_modules,
 * beside the packages that its package.json names (here linked, so that the test needs no registry), and its command.
 */
export function install(): string {
  const folder = mkdtempSync(join(tmpdir(), 'telegen-installed-'))
  const packed = run(ROOT, 'npm', 'pack', '--ignore-scripts', '--json', '--pack-destination', folder)
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
  const installed = join(folder, 'node_modules/telegen')
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true })
  mkdirSync(installed)
  run(folder, 'tar', '-xzf', filename, '--strip-components=1', '-C', installed)
  const { dependencies, bin } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
    bin: { telegen: string }
  }
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name), 'dir')
  }
  symlinkSync(join('../telegen', bin.telegen), join(folder, 'node_modules/.bin/telegen'))
  return folder
}

/** Runs a program that has to succeed; returns its standard output. */
export function run(directory: string, program: string, ...words: string[]): string {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    cwd: directory,
    env,
    encoding: 'utf8',
    timeout: PATIENCE,
  })
  assert.ifError(error)
  assert.equal(status, 0, `${program} ${words.join(' ')}\n${stdout}${stderr}`)
  return stdout
}
