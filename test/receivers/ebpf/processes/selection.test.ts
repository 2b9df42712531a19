import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { glob, globFault } from '../../../../src/receivers/ebpf/processes/glob.ts'
import { Selection } from '../../../../src/receivers/ebpf/processes/selection.ts'
import type { Candidate } from '../../../../src/receivers/ebpf/processes/selection.ts'
import { selectionFaults } from '../../../../src/receivers/ebpf/processes/selection-options.ts'
import type { MatcherOptions } from '../../../../src/receivers/ebpf/processes/selection-options.ts'

const ID = '3f4e9b2c1d5a6f7081920a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f'

const shop: Candidate = {
  pid: 42,
  name: 'MainThread',
  executable: '/opt/shop/bin/node',
  cgroup: '/kubepods.slice/pod1/x.scope',
  container: ID,
  environment: new Map([
    ['TIER', 'front-1'],
    ['EMPTY', ''],
  ]),
  ports: new Set([8080, 9100]),
}

describe('A selection', () => {
  const matchers: readonly (readonly [MatcherOptions, boolean])[] = [
    [{ pids: [41, 42] }, true],
    [{ pids: [41] }, false],
    [{ names: ['Main*'] }, true],
    [{ names: ['node'] }, true],
    [{ names: ['nod'] }, false],
    [{ executables: ['/opt/**'] }, true],
    [{ executables: ['/opt/*'] }, false],
    [{ executables: ['/opt/*/bin/{node,bun}'] }, true],
    [{ cgroups: ['/kubepods.slice/**'] }, true],
    [{ cgroups: ['/kubepods.slice'] }, false],
    [{ container_ids: [ID.slice(0, 12)] }, true],
    [{ container_ids: [ID] }, true],
    [{ container_ids: [ID.slice(0, 11)] }, false],
    [{ container_ids: ['3f*'] }, true],
    [{ ports: [8080] }, true],
    [{ ports: ['9000-9199'] }, true],
    [{ ports: [80, '81-90'] }, false],
    [{ environment: { TIER: 'front-*' } }, true],
    [{ environment: { EMPTY: '' } }, true],
    [{ environment: { TIER: 'front-*', MISSING: '*' } }, false],
    [{ names: ['node'], ports: [80] }, false],
    [{ names: ['node'], ports: [8080] }, true],
  ]
  for (const [matcher, fits] of matchers)
    test(`${JSON.stringify(matcher)} ${fits ? 'fits' : 'does not fit'}`, () => {
      assert.equal(new Selection({ include: [matcher], exclude: [] }).admits(shop), fits)
      assert.equal(new Selection({ include: [], exclude: [matcher] }).admits(shop), !fits)
      assert.deepEqual([...selectionFaults({ include: [matcher], exclude: [] })], [])
    })

  test('without matchers everything is traced; one of several is enough; what is excluded is out', () => {
    const node = { names: ['node'] }
    const other = { names: ['other'] }
    assert.equal(new Selection({ include: [], exclude: [] }).admits(shop), true)
    assert.equal(new Selection({ include: [other, node], exclude: [] }).admits(shop), true)
    assert.equal(new Selection({ include: [node], exclude: [{ pids: [42] }] }).admits(shop), false)
  })

  test('a process without an executable, a cgroup or a container fits none that asks for them', () => {
    const bare = { ...shop, executable: undefined, cgroup: undefined, container: undefined }
    for (const matcher of [{ executables: ['**'] }, { cgroups: ['**'] }, { container_ids: ['*'] }])
      assert.equal(new Selection({ include: [matcher], exclude: [] }).admits(bare), false)
  })

  test('it keeps only the variables that are asked for', () => {
    const selection = new Selection({ include: [{ environment: { TIER: '*' } }], exclude: [] })
    const kept = selection.variablesOf(new Map([...shop.environment, ['PASSWORD', 'x']]))
    assert.deepEqual([...kept], [['TIER', 'front-1']])
  })
})

describe('Faults of a selection', () => {
  const faults: readonly (readonly [MatcherOptions, path: string, message: RegExp])[] = [
    [{}, '', /must name something/],
    [{ names: [] }, '', /must name something/],
    [{ ports: ['9000-8000'] }, 'ports.0', /reversed: did you mean "8000-9000"/],
    [{ ports: [80, 'http'] }, 'ports.1', /neither a port nor a range/],
    [{ ports: [0] }, 'ports.0', /not within 1 and 65535/],
    [{ ports: ['1-70000'] }, 'ports.0', /not within/],
    [{ names: ['a['] }, 'names.0', /"\[" without its "\]"/],
    [{ executables: ['{a,b'] }, 'executables.0', /"\{" without its "\}"/],
    [{ executables: ['{a,{b}}'] }, 'executables.0', /within a/],
    [{ cgroups: ['a\\'] }, 'cgroups.0', /backslash/],
    [{ container_ids: [''] }, 'container_ids.0', /must not be empty/],
    [{ names: ['[z-a]'] }, 'names.0', /is not a glob/],
    [{ environment: { 'A=B': '*' } }, 'environment', /not a variable's name/],
    [{ environment: { A: '[' } }, 'environment.A', /without its/],
  ]
  for (const [matcher, path, message] of faults)
    test(`${JSON.stringify(matcher)}: ${message.source}`, () => {
      const [fault, ...others] = selectionFaults({ include: [{ pids: [1] }], exclude: [matcher] })
      assert.deepEqual(others, [])
      assert.equal(fault?.path.join('.'), ['exclude.0', ...(path ? [path] : [])].join('.'))
      assert.match(fault?.message ?? '', message)
    })

  test('a glob without a fault takes any text, and one with wildcards is no regular expression', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), fc.string({ maxLength: 40 }), (source, text) => {
        if (globFault(source) === undefined) glob(source, 'text')(text)
      }),
      { numRuns: 500 },
    )
    assert.equal(glob('a.c*', 'text')('abcd'), false)
    assert.equal(glob('a.c*', 'text')('a.cd\ne'), true)
    assert.equal(glob('[!a]?', 'text')('bc'), true)
    assert.equal(glob('[!a]?', 'text')('ac'), false)
    assert.equal(glob('\\*x', 'text')('*x'), true)
  })
})
