import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { uidOf } from '../../../src/native/separated/served-users.ts'
import { wantedOf } from '../../../src/native/separated/shed-privileges.ts'

describe('the user who is served', () => {
  const passwd = (): string =>
    'root:x:0:0::/root:/bin/sh\n# telegen\ntelegen:x:991:990::/:/usr/sbin/nologin\nbroken:x:many:1::/:\n'

  test('is a number, or a name of /etc/passwd', () => {
    assert.deepEqual([uidOf('65534', passwd), uidOf('0', passwd), uidOf('telegen', passwd)], [65534, 0, 991])
  })

  for (const user of ['nobody-here', 'broken', '', '-1', '4294967295', '1e3', '0x10', 'telegen:x'])
    test(`is not ${JSON.stringify(user)}`, () => assert.throws(() => uidOf(user, passwd), /no user|no number/))
})

describe('what the loader keeps', () => {
  const held = ['CAP_BPF', 'CAP_PERFMON', 'CAP_NET_ADMIN', 'CAP_SYS_ADMIN', 'CAP_DAC_READ_SEARCH']
  const ALWAYS = ['CAP_BPF', 'CAP_PERFMON', 'CAP_NET_ADMIN']

  test('is three capabilities where typed tracepoints work', () => {
    assert.deepEqual(wantedOf({ kernel: '6.1.0-53-cloud-amd64', typed: true, held, uprobes: 'none' }), ALWAYS)
  })

  test('reads files of root only where classic tracepoints are all there is', () => {
    assert.deepEqual(wantedOf({ kernel: '6.1.0', typed: false, held, uprobes: 'none' }), [
      ...ALWAYS,
      'CAP_DAC_READ_SEARCH',
    ])
  })

  test('raises the limit of locked memory before 5.11', () => {
    assert.deepEqual(wantedOf({ kernel: '5.10.0-34', typed: true, held, uprobes: 'none' }), [
      ...ALWAYS,
      'CAP_SYS_RESOURCE',
    ])
    assert.deepEqual(wantedOf({ kernel: '5.11.0', typed: true, held, uprobes: 'none' }), ALWAYS)
  })

  test('looks into processes only where they are to be probed, and needs CAP_SYS_ADMIN where one link does not do', () => {
    const facts = { kernel: '6.12.0', typed: true, held }
    assert.deepEqual(wantedOf({ ...facts, uprobes: 'multi' }), [...ALWAYS, 'CAP_SYS_PTRACE'])
    assert.deepEqual(wantedOf({ ...facts, uprobes: 'perf' }), ['CAP_SYS_ADMIN', ...ALWAYS, 'CAP_SYS_PTRACE'])
  })

  test('is CAP_SYS_ADMIN where there is nothing finer', () => {
    const coarse = wantedOf({ kernel: '6.1.0', typed: true, held: ['CAP_SYS_ADMIN'], uprobes: 'none' })
    assert.deepEqual(coarse, ['CAP_SYS_ADMIN', 'CAP_NET_ADMIN'])
  })
})
