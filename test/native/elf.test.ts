import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import type { Addon } from '../../src/native/addon.ts'
import { loadAddon } from '../../src/native/load-addon.ts'
import { LOADED_AT, smallElf } from './small-elf.ts'

const loaded = loadAddon()
const LIBC = '/lib/x86_64-linux-gnu/libc.so.6'
const DATA = 1

describe('ELF files', { skip: loaded.kind === 'loaded' ? false : loaded.reason }, () => {
  if (loaded.kind !== 'loaded') return
  const { elf } = loaded.addon
  const folder = mkdtempSync(join(tmpdir(), 'telegen-elf-'))
  const path = join(folder, 'small')
  after(() => rmSync(folder, { recursive: true }))

  const given = (what: Parameters<typeof smallElf>[0]) => {
    const made = smallElf(what)
    writeFileSync(path, made.bytes)
    return made
  }
  const code = (hexadecimal: string): Buffer => Buffer.from(hexadecimal.replaceAll(' ', ''), 'hex')

  test('say where functions stand in the file, each name for itself', () => {
    const { offsets } = given({
      functions: [
        { name: 'first', code: code('90 c3') },
        { name: 'table', code: code('01 02'), type: DATA },
        { name: 'second', code: code('90 90 c3') },
      ],
    })
    assert.deepEqual(elf.symbolOffsets(path, ['second', 'nobody', 'table', 'first', 'second']), [
      offsets[2],
      -1,
      -1,
      offsets[0],
      offsets[2],
    ])
  })

  test('say what functions addresses are of', () => {
    const { offsets } = given({
      functions: [
        { name: 'first', code: code('90 c3') },
        { name: 'second', code: code('90 90 c3') },
      ],
    })
    const [first, second] = offsets.map((offset) => BigInt(LOADED_AT + offset)) as [bigint, bigint]
    const asked = BigUint64Array.of(second + 2n, first, first + 1n, second + 3n, 0n, 2n ** 64n - 1n)
    assert.deepEqual(elf.symbolsAt(path, asked), ['second', 'first', 'first', '', '', ''])
  })

  test('have their build id in hexadecimal, or none', () => {
    given({ functions: [], buildId: code('00 ab ff') })
    assert.equal(elf.buildId(path), '00abff')
    given({ functions: [] })
    assert.equal(elf.buildId(path), '')
  })

  test('have returns where instructions begin, not where a byte looks like one', () => {
    // mov $0xc3c3c3c3,%eax; rep ret; mov 0xc3(%rax,%rax),%cl; ret $8; vpternlogd $0xc3,…; ret
    const { offsets } = given({
      functions: [{ name: 'f', code: code('b8c3c3c3c3 f3c3 8a8c00c3000000 c20800 62f36d4825cbc3 c3') }],
    })
    assert.deepEqual(
      elf.returnOffsets(path, 'f'),
      [5, 14, 24].map((at) => offsets[0]! + at),
    )
  })

  test('refuse returns of a function that is not understood to its end, and say where', () => {
    for (const [bad, at] of [
      ['06', 1],
      ['8fe878c2ec0e', 1],
      ['e8', 1],
      ['d5 00', 1],
      ['66 0f 78 c0 01 02', 1],
    ] as const) {
      given({ functions: [{ name: 'f', code: code(`c3 ${bad}`) }] })
      assert.throws(() => elf.returnOffsets(path, 'f'), {
        code: /ENOTSUP|EOPNOTSUPP/,
        message: new RegExp(`instruction ${at} bytes`),
      })
    }
    given({ functions: [{ name: 'f', code: code('c3') }], machine: 183 })
    assert.throws(() => elf.returnOffsets(path, 'f'), /only x86-64/)
    assert.throws(() => elf.returnOffsets(path, 'g'), /only x86-64|no such function/)
  })

  test('that are none are refused, whatever they are', () => {
    writeFileSync(path, 'a text that is long enough to hold the header of an ELF file, and yet is none of them at all')
    for (const other of [path, '/', '/dev/null', join(folder, 'missing')])
      assert.throws(() => elf.symbolOffsets(other, ['f']), { code: /ENOEXEC|ENOENT|EISDIR/ })
    assert.throws(() => elf.buildId(''), TypeError)
  })

  test('that are cut short or have any bytes changed are read or refused, and nothing else happens', () => {
    const made = smallElf({
      functions: [
        { name: 'first', code: code('90 90 c3') },
        { name: 'second', code: code('b8c3c3c3c3 c3') },
      ],
      buildId: code('0102030405060708'),
    })
    const edges = [0, 1, 0x7f, 0x80, 0xff]
    const byte = fc.oneof(fc.constantFrom(...edges), fc.nat(255))
    const changes = fc.array(fc.tuple(fc.nat(made.bytes.length - 1), fc.array(byte, { minLength: 1, maxLength: 8 })), {
      maxLength: 4,
    })
    let refused = 0
    fc.assert(
      fc.property(changes, fc.option(fc.nat(made.bytes.length)), (changed, length) => {
        const bytes = Buffer.from(made.bytes)
        for (const [at, put] of changed) bytes.set(put.slice(0, bytes.length - at), at)
        writeFileSync(path, bytes)
        if (length !== null) truncateSync(path, length)
        for (const ask of asks(elf, path)) refused += isRefused(ask) ? 1 : 0
      }),
      { numRuns: 1000 },
    )
    assert.ok(refused > 50)
  })

  const judge = existsSync(LIBC) && whyNoObjdump()
  test('have the returns that objdump sees', { skip: judge === '' ? false : judge || `${LIBC} is missing` }, () => {
    let compared = 0
    for (const name of ['malloc', 'printf', 'getaddrinfo', 'regcomp', 'fread', 'realpath']) {
      const [begin] = elf.symbolOffsets(LIBC, [name]) as [number]
      const returns = elf.returnOffsets(LIBC, name)
      assert.ok(begin > 0 && returns.length > 0, name)
      const last = returns.at(-1)!
      // Of a shared library of this make offsets of code are its addresses.
      const text = execFileSync('objdump', [
        '-d',
        '-w',
        '--no-show-raw-insn',
        `--start-address=${begin}`,
        `--stop-address=${last + 1}`,
        LIBC,
      ])
      const seen = [...text.toString().matchAll(/^\s*([0-9a-f]+):\s+(?:(?:repz|bnd) )?ret\b/gm)].map(([, at]) =>
        Number.parseInt(at!, 16),
      )
      assert.deepEqual(returns, seen, name)
      compared += seen.length
    }
    assert.ok(compared > 8)
  })
})

const asks = (elf: Addon['elf'], path: string): readonly (() => unknown)[] => [
  () => elf.symbolOffsets(path, ['first', 'second']),
  () => elf.returnOffsets(path, 'second'),
  () => elf.buildId(path),
  () => elf.symbolsAt(path, BigUint64Array.of(0n, BigInt(LOADED_AT + 180), 2n ** 63n)),
]

function isRefused(ask: () => unknown): boolean {
  try {
    ask()
    return false
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    assert.match(String(code), /^(ENOEXEC|ENOTSUP|EOPNOTSUPP|ENOENT)$/)
    return true
  }
}

function whyNoObjdump(): string {
  try {
    execFileSync('objdump', ['--version'], { stdio: 'ignore' })
    return ''
  } catch {
    return 'objdump is not installed'
  }
}
