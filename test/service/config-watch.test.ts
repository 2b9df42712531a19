import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { ConfigWatch } from '../../src/service/config-watch.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const PATIENCE = 5_000

async function folderOf(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'telegen-watch-'))
  context.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Watches `files`; `changes(n)` resolves when there have been n changes. */
function watching(context: TestContext, directory: string, files: readonly string[], look = 60_000) {
  let count = 0
  const watch = new ConfigWatch({
    filesOf: () => ({ files: new Set(files), directory }),
    onChange: () => count++,
    log: silent,
    quiet: 20,
    look,
  })
  watch.start()
  const alive = setInterval(() => {}, 1_000)
  context.after(() => {
    clearInterval(alive)
    watch.stop()
  })
  return {
    changes: async (wanted: number) => {
      for (const end = performance.now() + PATIENCE; count < wanted;) {
        if (performance.now() > end) throw new Error(`waited for ${wanted} changes, saw ${count}`)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      assert.equal(count, wanted)
    },
  }
}

describe('a watch on configuration files', () => {
  test('tells of a file that is written', async (context) => {
    const folder = await folderOf(context)
    await writeFile(join(folder, 'a.yaml'), 'one')
    const { changes } = watching(context, folder, ['a.yaml'])
    await writeFile(join(folder, 'a.yaml'), 'three')
    await changes(1)
  })

  test('bears a file that nobody can look at for a while, and tells of it', async (context) => {
    const folder = await folderOf(context)
    const file = join(folder, 'a.yaml')
    await writeFile(file, 'one')
    const { changes } = watching(context, folder, ['a.yaml'])
    await rm(file)
    await symlink(file, file)
    await changes(1)
    await rm(file)
    await writeFile(file, 'two')
    await changes(2)
  })

  test('tells of an editor that puts another file in its place', async (context) => {
    const folder = await folderOf(context)
    await writeFile(join(folder, 'a.yaml'), 'one')
    const { changes } = watching(context, folder, ['a.yaml'])
    await writeFile(join(folder, '.a.yaml.swp'), 'two')
    await rename(join(folder, '.a.yaml.swp'), join(folder, 'a.yaml'))
    await changes(1)
    await writeFile(join(folder, 'a.yaml'), 'three')
    await changes(2)
  })

  test('tells of a ConfigMap whose link is turned, again and again', async (context) => {
    const folder = await folderOf(context)
    for (const version of ['..v1', '..v2', '..v3']) {
      await mkdir(join(folder, version))
      await writeFile(join(folder, version, 'a.yaml'), version)
    }
    const turn = async (version: string) => {
      await symlink(version, join(folder, '..data_tmp'))
      await rename(join(folder, '..data_tmp'), join(folder, '..data'))
    }
    await turn('..v1')
    await symlink(join('..data', 'a.yaml'), join(folder, 'a.yaml'))
    const { changes } = watching(context, folder, ['a.yaml'])
    await turn('..v2')
    await rm(join(folder, '..v1'), { recursive: true })
    await changes(1)
    await turn('..v3')
    await rm(join(folder, '..v2'), { recursive: true })
    await changes(2)
  })

  test('tells of a folder that gets another file', async (context) => {
    const folder = await folderOf(context)
    await mkdir(join(folder, 'conf.d'))
    const { changes } = watching(context, folder, ['conf.d'])
    await writeFile(join(folder, 'conf.d', 'b.yaml'), 'b')
    await changes(1)
  })

  test('outlives a file that goes and comes back', async (context) => {
    const folder = await folderOf(context)
    await writeFile(join(folder, 'a.yaml'), 'one')
    const { changes } = watching(context, folder, ['a.yaml'])
    await rm(join(folder, 'a.yaml'))
    await changes(1)
    await writeFile(join(folder, 'a.yaml'), 'two')
    await changes(2)
  })

  test('outlives its whole folder, by looking every so often', async (context) => {
    const folder = await folderOf(context)
    const inner = join(folder, 'inner')
    await mkdir(inner)
    await writeFile(join(inner, 'a.yaml'), 'one')
    const { changes } = watching(context, inner, ['a.yaml'], 20)
    await rm(inner, { recursive: true })
    await changes(1)
    await mkdir(inner)
    await writeFile(join(inner, 'a.yaml'), 'two')
    await changes(2)
    await writeFile(join(inner, 'a.yaml'), 'three')
    await changes(3)
  })
})
