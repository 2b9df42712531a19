/**
 * The OpenTelemetry Collector as oracle: what both make of the same configuration and the same requests is equal, or differs exactly as a case
 * says, for a reason in docs/differences.md. `npm run compare` builds the Collector first; without it everything here is skipped.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { stringify } from 'yaml'
import { caseFiles } from './case-file.ts'
import type { Case, Wanted } from './case-file.ts'
import { differences } from './difference.ts'
import type { Difference } from './difference.ts'
import { faultFiles, faultsIn } from './fault-file.ts'
import type { JsonObject } from './json.ts'
import { Pair } from './pair.ts'
import type { Both } from './pair.ts'
import { findCollector } from './program.ts'
import { reasons } from './reasons.ts'

const AT_ONCE = 2
const ANY = '(any)'
const found = findCollector()
const files = caseFiles()

describe('compared with the Collector', { concurrency: AT_ONCE, skip: 'missing' in found && found.missing }, () => {
  for (const file of files)
    describe(file.about, { concurrency: 1 }, () => {
      let pair: Pair | undefined
      before(async () => {
        pair = await Pair.start(file, (found as { path: string }).path)
      })
      after(() => pair?.close())
      for (const each of file.cases)
        test(each.name, async () => {
          const both = await (pair as Pair).send(each)
          holds(both, each.differs)
          if (file.stopped?.exports !== true) showsWhatItSays(each, both.collector)
        })
      const stopped = file.stopped ?? { name: 'both end well when told to' }
      test(stopped.name, async () => {
        const both = await (pair as Pair).stop(stopped)
        holds(both, stopped.differs)
        assert.deepEqual((pair as Pair).faults(), [])
      })
    })
})

test('every reason in docs/differences.md is one that a case needs, and the other way round', (t) => {
  const inValidation = faultFiles()
    .flatMap(faultsIn)
    .flatMap(({ telegen }) => telegen?.id ?? [])
  const inCases = files.flatMap(({ cases, stopped }) =>
    [...cases, stopped].flatMap((each) => (each?.differs ?? []).map(({ id }) => id)),
  )
  const listed = reasons(readFileSync(`${import.meta.dirname}/../../docs/differences.md`, 'utf8'))
  t.diagnostic(`${listed.size} reasons for ${inCases.length + inValidation.length} differences: docs/differences.md`)
  assert.deepEqual(new Set([...inCases, ...inValidation]), listed)
})

/** They differ where the case says so, as it says so, and nowhere else. */
function holds({ collector, telegen }: Both, wanted: readonly Wanted[] = []): void {
  const listed = wanted.map(withoutReason)
  const seen = differences(collector, telegen).map((each) => leavingOpen(each, listed))
  if (!isDeepStrictEqual(inOrder(seen), inOrder(listed)))
    assert.fail(`they differ otherwise than listed:\n${stringify(seen)}`)
}

function withoutReason(wanted: Wanted): Difference {
  return Object.fromEntries(Object.entries(wanted).filter(([name]) => name !== 'id')) as unknown as Difference
}

const inOrder = (list: readonly Difference[]): Difference[] =>
  list.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))

/** `(any)` stands for whatever a machine says of itself. */
function leavingOpen(seen: Difference, listed: readonly Difference[]): Difference {
  const isOpen = seen.telegen !== undefined && listed.some(({ at, telegen }) => at === seen.at && telegen === ANY)
  return isOpen ? { ...seen, telegen: ANY } : seen
}

/** A case in which both fail alike would show nothing of what its name says. */
function showsWhatItSays({ answers, arrives = answers === undefined, send }: Case, seen: JsonObject): void {
  const { status, code } = seen['answer'] as JsonObject
  assert.equal(status ?? code, answers ?? (send.transport === 'grpc' ? 0 : 200), 'what the Collector answered')
  assert.equal(Object.keys(seen['exports'] as JsonObject).length > 0, arrives, 'something arrived at the backend')
}
