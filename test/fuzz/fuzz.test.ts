import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { campaign } from './campaign.ts'
import { ConfigTarget } from './config/target.ts'
import { EbpfTarget } from './ebpf/target.ts'
import { Http2Target } from './http2/target.ts'
import { OtlpTarget } from './otlp/target.ts'
import type { Random } from './random.ts'
import { StoreTarget } from './store/target.ts'
import { Finding } from './target.ts'
import type { Target } from './target.ts'

/** Some of each; `npm run fuzz` goes on for as long as it is told to. */
const SEED = 20_261_122
/** The most that may take, on a machine that has more to do. */
const DURATION = 90_000

async function quiet<Input>(target: Target<Input>, most: number): Promise<void> {
  const lines: string[] = []
  const { execs, findings } = await campaign(target, {
    seed: SEED,
    duration: DURATION,
    most,
    print: (line) => lines.push(line),
  })
  assert.deepEqual(findings, [], lines.join('\n'))
  assert.equal(execs, most)
}

describe('fuzzing', () => {
  test('no OTLP request breaks a Telegen that has every kind of stage', () => quiet(new OtlpTarget(SEED, 150), 300))
  test('nothing that is said over HTTP/2 breaks its server, nor its client', () => quiet(new Http2Target(100), 200))
  test('no configuration breaks the way from its text to a graph', () => quiet(new ConfigTarget(), 300))

  test('nothing that lies in a ring breaks a tracer of the receiver ebpf', () => quiet(new EbpfTarget(), 500))

  test('no fault of a disk, and no end of a process, breaks the store', () => quiet(new StoreTarget(), 150))

  test('a store whose disk lies about what it has synced is caught', async () => {
    const { findings } = await campaign(new StoreTarget({ lies: true }), {
      seed: SEED,
      duration: DURATION,
      most: 40,
      print: () => {},
    })
    assert.ok(
      findings.some(({ kind }) => kind === 'lost'),
      JSON.stringify(findings.map(({ kind }) => kind)),
    )
  })

  test('what breaks is found again, simplified, and told once', async () => {
    const target = new Fragile()
    const { findings } = await campaign(target, { seed: SEED, duration: DURATION, most: 300, print: () => {} })
    assert.deepEqual(
      findings.map(({ kind, input }) => [kind, input]),
      [['threw RangeError', 'x']],
    )
    assert.ok(target.opened > 1)
  })
})

/** Breaks on each text with an x. */
class Fragile implements Target<string> {
  readonly name = 'fragile'
  readonly parallel = 3
  readonly settleEvery = 50
  opened = 0

  async open(): Promise<void> {
    this.opened++
  }

  make(random: Random): string {
    return Array.from({ length: random.below(20) }, () =>
      random.pick(['a', 'b', 'c', 'd', random.once(9) ? 'x' : 'e']),
    ).join('')
  }

  async run(input: string): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    if (input.includes('x')) throw new Finding('threw RangeError', input)
  }

  async settled(): Promise<void> {}

  reopen(): Promise<void> {
    return this.open()
  }

  async close(): Promise<void> {}

  *smaller(input: string): Iterable<string> {
    for (let at = 0; at < input.length; at++) yield input.slice(0, at) + input.slice(at + 1)
  }

  text = (input: string): string => input
  read = (text: string): string => text
  told = (): string => ''
}
