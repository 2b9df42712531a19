import type { Random } from '../random.ts'

/** Pieces of JSON that readers stumble over. */
const PIECES = [
  'null',
  'true',
  '-0',
  '1e999',
  '-1e999',
  '1e-999',
  '9223372036854775808',
  '18446744073709551616',
  '0.1',
  '"NaN"',
  '"-Infinity"',
  '"\\ud800"',
  '"\\u0000"',
  '"\\udc00\\ud800"',
  '"x',
  '""',
  '"AQID"',
  '"====" ',
  '{}',
  '[]',
  '[[]]',
  '{"a":{}}',
  '{"__proto__":{}}',
  '{"constructor":{"prototype":{}}}',
  '{"a":1,"a":2}',
  '{"stringValue":"x","intValue":"1"}',
  '{"arrayValue":{"values":[{}]}}',
  ',',
  ':',
  '}',
  ']',
  '{',
  '[',
  '\u2028',
  '\ufeff',
  '//',
  '/**/',
  'undefined',
  '01',
  '+1',
  '.5',
  '5.',
  '1_000',
  '0x10',
  "'x'",
]
const MOST = 4
const DEEPEST = 20_000

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[[\]{}:,]/g

/** A text in which up to four tokens are replaced, removed, doubled or put elsewhere. */
export function tornJson(whole: Buffer, random: Random): Buffer {
  if (random.once(50)) return deep(random)
  const tokens: string[] = whole.toString('utf8').match(TOKEN) ?? []
  for (let times = 1 + random.below(MOST); times > 0; times--) {
    const at = random.below(tokens.length + 1)
    const from = random.below(tokens.length + 1)
    const length = 1 + random.below(12)
    const kind = random.below(6)
    if (kind === 0) tokens.splice(at, 1, random.pick(PIECES))
    else if (kind === 1) tokens.splice(at, 0, random.pick(PIECES))
    else if (kind === 2) tokens.splice(at, length)
    else if (kind === 3) tokens.splice(at, 0, ...tokens.slice(from, from + length))
    else if (kind === 4) tokens.splice(at, 1, ...tokens.slice(from, from + 1))
    else tokens.length = Math.max(1, at)
  }
  return Buffer.from(tokens.join(random.once(5) ? ' \n\t' : ''))
}

function deep(random: Random): Buffer {
  const depth = random.below(DEEPEST)
  const [open, close] = random.pick([
    ['[', ']'],
    ['{"a":', '}'],
    ['{"resourceSpans":[', ']}'],
    ['{"arrayValue":{"values":[', ']}}'],
  ] as const)
  const value = open.repeat(depth) + (random.once(2) ? '1' : '') + close.repeat(random.once(2) ? depth : 0)
  if (random.once(2)) return Buffer.from(value)
  return Buffer.from(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":${value}}]}]}]}`)
}
