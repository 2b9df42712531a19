import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { byteSize } from '../../../src/config/decode/byte-size.ts'

const SIZES: readonly (readonly [text: string, bytes: number | undefined])[] = [
  ['1500', 1500],
  ['5_000', 5000],
  ['1kb', 1000],
  ['1kB', 1000],
  ['1k', 1000],
  ['16KiB', 16 * 1024],
  ['1024kib', 2 ** 20],
  ['1MB', 10 ** 6],
  ['1MiB', 2 ** 20],
  ['1.5GB', 1.5e9],
  ['2gib', 2 ** 31],
  ['1Mi', 2 ** 20],
  ['7B', 7],
  [' 7 MB ', 7e6],
  ['', undefined],
  ['MB', undefined],
  ['-1', undefined],
  ['1iB', undefined],
  ['1XB', undefined],
  ['1e3', undefined],
  ['99999PB', undefined],
]

describe('byte sizes', () => {
  for (const [text, bytes] of SIZES)
    test(`${JSON.stringify(text)} is ${bytes ?? 'none'}`, () => assert.equal(byteSize(text), bytes))
})
