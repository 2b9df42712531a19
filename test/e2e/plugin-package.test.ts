import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

test('the example plugin, as a package of its own with Telegen installed beside it, passes its own test', () => {
  const directory = mkdtempSync(join(tmpdir(), 'telegen-plugin-'))
  try {
    cpSync(join(ROOT, 'examples/plugin-udp-lines'), directory, { recursive: true })
    mkdirSync(join(directory, 'node_modules'))
    symlinkSync(ROOT, join(directory, 'node_modules/telegen'))
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--test'], {
      cwd: directory,
      env,
      encoding: 'utf8',
      timeout: 60_000,
    })
    assert.equal(status, 0, stdout + stderr)
    assert.match(stdout, /pass 1/)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
