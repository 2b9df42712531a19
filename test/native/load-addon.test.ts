import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'
import { loadAddon, prebuiltFolder } from '../../src/native.ts'

const LINUX = { skip: process.platform !== 'linux' && 'not Linux' }
const BUILT = { skip: !existsSync(join(prebuiltFolder(), 'telegen.node')) && 'the native part is not built' }

describe('loading the native part', () => {
  const root = mkdtempSync(join(tmpdir(), 'telegen-prebuilt-'))
  const folder = join(root, `linux-${process.arch}`)
  beforeEach(() => {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
  })
  after(() => rmSync(root, { recursive: true, force: true }))

  const reasonOf = (where: string): string => {
    const loaded = loadAddon(where)
    assert.equal(loaded.kind, 'unavailable')
    return loaded.kind === 'unavailable' ? loaded.reason : ''
  }

  test('gives the addon wherever it could be built', LINUX, (t) => {
    const loaded = loadAddon()
    if (process.env['TELEGEN_NO_NATIVE'] === '1') return t.skip('TELEGEN_NO_NATIVE')
    if (loaded.kind === 'unavailable') return assert.match(loaded.reason, /for want of/)
    assert.match(loaded.addon.versions.libbpf, /^\d+\.\d+/)
    return assert.equal(loaded.folder, prebuiltFolder())
  })

  test('says what the build lacked, and how to get it', LINUX, () => {
    writeFileSync(join(folder, 'missing.txt'), 'clang, libbpf-dev\n')
    assert.match(reasonOf(folder), /not built, for want of clang, libbpf-dev; on Debian and Ubuntu: apt-get install /)
  })

  test('says for which platforms the package was made, where it is not for this', LINUX, () => {
    mkdirSync(join(root, 'linux-riscv64'), { recursive: true })
    writeFileSync(join(root, 'linux-riscv64', 'telegen.node'), '')
    assert.match(reasonOf(folder), /has its native part for linux-riscv64 and not for linux-/)
    rmSync(join(root, 'linux-riscv64'), { recursive: true })
  })

  test('says which file is missing where nothing was built', LINUX, () => {
    assert.match(reasonOf(join(root, 'elsewhere')), /elsewhere\/telegen\.node is missing: scripts\/build-native/)
  })

  test('says that a file is no addon', LINUX, () => {
    writeFileSync(join(folder, 'telegen.node'), 'not an ELF file, whatever it says it is')
    assert.match(reasonOf(folder), /telegen\.node cannot be loaded: .*(invalid ELF header|file too short)/)
  })

  test('names the package of a library that is missing', BUILT, () => {
    const addon = readFileSync(join(prebuiltFolder(), 'telegen.node'))
    const at = addon.indexOf('libbpf.so.1')
    assert.notEqual(at, -1)
    // A library of a version that nobody has.
    addon.write('libbpf.so.9', at)
    writeFileSync(join(folder, 'telegen.node'), addon)
    assert.equal(
      reasonOf(folder),
      'libbpf.so.9 is not installed: apt-get install libbpf1 (Debian, Ubuntu), dnf install libbpf (Fedora, RHEL)',
    )
  })

  test('TELEGEN_PREBUILT names another folder', () => {
    const before = process.env['TELEGEN_PREBUILT']
    try {
      process.env['TELEGEN_PREBUILT'] = folder
      assert.equal(prebuiltFolder(), folder)
      delete process.env['TELEGEN_PREBUILT']
      assert.match(prebuiltFolder(), new RegExp(`/prebuilt/linux-${process.arch}$`))
    } finally {
      if (before !== undefined) process.env['TELEGEN_PREBUILT'] = before
    }
  })
})
