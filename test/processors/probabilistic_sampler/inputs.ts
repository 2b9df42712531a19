/** Made-up spans and log records with every kind of evidence of earlier sampling, the same ones in each run. */
const VALUES: readonly string[] = [
  '', '', '', 'ot=th:8', 'ot=th:c', 'ot=th:fd70a', 'ot=rv:8000000000000c', 'ot=rv:ABCDEF01234567;th:8', 'ot=th:0;rv:00000000000001',
  'ot=th:8000', 'ot=x:y;th:4', 'vendor=1,ot=th:8;rv:c0000000000000,other@sys=2', 'vendor=1', 'ot=th:', 'ot=th:zz', 'ot=rv:12',
  'ot=th:123456789abcdef', 'ot=', 'OT=th:8', 'a=b,,  c=d ,', 'ot=th:8;', 'ot=th:8;;rv:1', 'ot=th:4,ot=th:c', 'a=ü', 'a',
  `a=${'x'.repeat(256)}`, `a=${'x'.repeat(257)}`, `${'k'.repeat(257)}=1,ot=th:4`, `${'t'.repeat(242)}@s=1,ot=th:4`, `t@${'s'.repeat(15)}=1,ot=rv:f0000000000000`,
  Array.from({ length: 31 }, (_, index) => `k${index}=v`).join(','), Array.from({ length: 32 }, (_, index) => `k${index}=v`).join(','),
  `ot=th:4;z:${'9'.repeat(250)}`, `ot=a:${'9'.repeat(254)}`, `a=${'x'.repeat(200)},b=${'x'.repeat(200)},c=${'x'.repeat(200)},d=${'x'.repeat(200)},e=${'x'.repeat(214)}`,
] // prettier-ignore

const PRIORITIES: readonly (object | undefined)[] = [
  undefined, undefined, undefined, undefined, undefined, undefined, { intValue: '0' }, { intValue: '1' }, { intValue: '-1' },
  { doubleValue: 0 }, { doubleValue: 0.5 }, { stringValue: '0' }, { stringValue: '1.5' }, { stringValue: ' 1' }, { stringValue: '' },
  { stringValue: 'inf' }, { stringValue: 'nan' }, { stringValue: '1e999' }, { boolValue: true }, { intValue: '50' }, { intValue: '100' }, { doubleValue: 12.5 },
  { intValue: '200' },
] // prettier-ignore

const SESSIONS: readonly (object | undefined)[] = [
  undefined, { stringValue: '' }, { boolValue: true }, { doubleValue: 1.5 }, { doubleValue: 3 }, { bytesValue: 'AQID' },
  { arrayValue: { values: [{ stringValue: 'a' }, { intValue: '1' }] } }, {},
] // prettier-ignore

/** Mulberry32. */
export function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const pick = <T>(next: () => number, of: readonly T[]): T => of[Math.floor(next() * of.length)] as T
const hex = (next: () => number, digits: number) =>
  Array.from({ length: digits }, () => Math.floor(next() * 16).toString(16)).join('')

const traceId = (next: () => number) =>
  next() < 0.05
    ? ''
    : next() < 0.05
      ? '0'.repeat(32)
      : next() < 0.2
        ? `${hex(next, 18)}${'f'.repeat(14)}`
        : hex(next, 32)

const attributes = (of: Readonly<Record<string, object | undefined>>) =>
  Object.entries(of).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value }]))

export function spansRequest(count: number, seed: number): object {
  const next = random(seed)
  const spans = Array.from({ length: count }, (_, index) => ({
    traceId: traceId(next),
    spanId: '00000000000000ff',
    name: `span ${index}`,
    traceState: pick(next, VALUES),
    startTimeUnixNano: '1',
    endTimeUnixNano: '2',
    attributes: attributes({ 'sampling.priority': pick(next, PRIORITIES), other: { stringValue: 'x' } }),
  }))
  return { resourceSpans: [{ scopeSpans: [{ spans }] }] }
}

const THRESHOLDS: readonly (object | undefined)[] = [
  undefined, undefined, undefined, { stringValue: '8' }, { stringValue: 'c000' }, { stringValue: '' }, { stringValue: 'xyz' }, { intValue: '8' },
] // prettier-ignore
const RANDOMNESS: readonly (object | undefined)[] = [
  undefined, undefined, undefined, { stringValue: '80000000000000' }, { stringValue: 'FFFFFFFFFFFFFF' }, { stringValue: '8' },
] // prettier-ignore

export function logsRequest(count: number, seed: number): object {
  const next = random(seed)
  const logRecords = Array.from({ length: count }, (_, index) => ({
    traceId: traceId(next),
    timeUnixNano: '1',
    body: { stringValue: `record ${index}` },
    attributes: attributes({
      'sampling.threshold': pick(next, THRESHOLDS),
      'sampling.randomness': pick(next, RANDOMNESS),
      priority: pick(next, PRIORITIES),
      session: next() < 0.5 ? { stringValue: hex(next, 8) } : pick(next, SESSIONS),
    }),
  }))
  return { resourceLogs: [{ scopeLogs: [{ logRecords }] }] }
}
