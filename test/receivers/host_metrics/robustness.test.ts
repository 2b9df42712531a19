import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import * as fc from 'fast-check'
import { Fields } from '../../../src/receivers/host_metrics/fields.ts'
import { SCRAPERS } from '../../../src/receivers/host_metrics/options.ts'
import { SocketCounter } from '../../../src/receivers/host_metrics/proc/sockets.ts'
import { fixture, host } from './host.ts'

const root = mkdtempSync(join(tmpdir(), 'telegen-host-'))
after(() => rmSync(root, { recursive: true }))

const KERNELS = ['linux-2.6.32', 'linux-5.10-arm64', 'linux-6.18']
for (const kernel of KERNELS) cpSync(fixture(kernel), join(root, kernel), { recursive: true })

const FILES = ['stat', 'loadavg', 'uptime', 'meminfo', 'swaps', 'vmstat', 'diskstats', 'filesystems'].concat([
  '1/mountinfo',
  '1/net/dev',
  '1/net/tcp',
  '1/stat',
  'sys/kernel/pid_max',
])

/** Everything on. */
const scrapers = Object.fromEntries(
  Object.entries(SCRAPERS).map(([name, { metrics }]) => [
    name,
    { metrics: Object.fromEntries(Object.keys(metrics).map((metric) => [metric, { enabled: true }])) },
  ]),
)

interface Damage {
  readonly at: number
  readonly kind: 'byte' | 'cut' | 'repeat' | 'drop' | 'digits'
  readonly byte: number
}

const damage = fc.record<Damage>({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  kind: fc.constantFrom('byte', 'cut', 'repeat', 'drop', 'digits'),
  byte: fc.oneof(fc.nat(255), fc.constantFrom(0x0a, 0x20, 0x2d, 0x2e, 0x3a, 0x39)),
})

function damaged(text: Buffer, { at, kind, byte }: Damage): Buffer {
  const place = Math.floor(at * text.length)
  const [before, behind] = [text.subarray(0, place), text.subarray(place)]
  switch (kind) {
    case 'byte':
      return Buffer.concat([before, Buffer.from([byte]), behind.subarray(1)])
    case 'cut':
      return before
    case 'repeat':
      return Buffer.concat([before, text.subarray(Math.max(0, place - 40), place), behind])
    case 'drop':
      return Buffer.concat([before, behind.subarray(byte)])
    case 'digits':
      return Buffer.concat([before, Buffer.from('9'.repeat(byte % 24)), behind])
  }
}

describe('host_metrics on damaged files', () => {
  test('never throws, and reports no value that is no number', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...KERNELS),
        fc.constantFrom(...FILES),
        fc.array(damage, { minLength: 1, maxLength: 4 }),
        async (kernel, file, damages) => {
          const path = join(root, kernel, 'proc', file)
          const whole = readFileSync(path)
          const scrape = host(scrapers, { root_path: join(root, kernel) })
          try {
            await scrape()
            writeFileSync(path, damages.reduce(damaged, whole))
            const { points, items } = await scrape()
            assert.equal(points.length, items)
            for (const { metric, value } of points) {
              assert.ok(typeof value === 'bigint' || Number.isFinite(value), `${metric} is ${value}`)
              if (metric === 'system.cpu.utilization') assert.ok(value >= 0 && value <= 1, `${metric} is ${value}`)
            }
          } finally {
            writeFileSync(path, whole)
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  test('reads numbers as BigInt does, of any length', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 22n }), (number) => {
        const fields = new Fields(Buffer.from(` x ${number}\t7`))
        fields.nextLine()
        const value = fields.skip(1).integer()
        if (number >= 10n ** 20n) assert.equal(value, undefined)
        else assert.equal(value, number <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(number) : number)
        if (value !== undefined) assert.equal(fields.integer(), 7)
      }),
    )
  })

  test('counts the same sockets wherever the chunks of their list end', () => {
    const list = readFileSync(join(root, 'linux-6.18/proc/1/net/tcp'))
    const whole = new SocketCounter()
    whole.begin()
    whole.take(list)
    fc.assert(
      fc.property(fc.array(fc.nat(list.length), { maxLength: 20 }), (places) => {
        const counter = new SocketCounter()
        counter.begin()
        const cuts = [0, ...places.sort((left, right) => left - right), list.length]
        for (const [index, cut] of cuts.entries()) counter.take(list.subarray(cuts[index - 1] ?? 0, cut))
        assert.deepEqual(counter.counts, whole.counts)
      }),
    )
    assert.equal(whole.counts.get('established'), 2)
  })
})
