import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { capabilityNames } from '../../src/cli/doctor/capability-names.ts'
import { containerOf } from '../../src/cli/doctor/container.ts'
import type { Signs } from '../../src/cli/doctor/container.ts'
import { examine } from '../../src/cli/doctor/examine.ts'
import { lockdownOf } from '../../src/cli/doctor/host.ts'
import type { DoctorReport } from '../../src/cli/doctor/report.ts'
import { doctorText } from '../../src/cli/doctor/text.ts'
import { loadAddon, PROGRAM_TYPES } from '../../src/native.ts'
import type { Rung } from '../../src/native.ts'

const MAIN = `${import.meta.dirname}/../../src/cli/main.ts`
const NOBODY = 65_534
const LINUX = { skip: process.platform !== 'linux' && 'not Linux' }
const ID = 'a'.repeat(64)
const native = loadAddon()
const BUILT = { skip: native.kind === 'unavailable' && native.reason }

const REPORT: DoctorReport = {
  telegen: '0.1.0',
  system: {
    platform: 'linux',
    architecture: 'x64',
    kernel: '6.1.0',
    btf: true,
    lockdown: null,
    unprivileged_bpf_disabled: 2,
    perf_event_paranoid: 3,
  },
  process: {
    uid: 1000,
    capabilities: ['CAP_BPF', 'CAP_CHOWN'],
    host_pid_namespace: false,
    initial_user_namespace: true,
    container: { runtime: 'docker', id: null },
    cgroup: '/',
  },
  native: { loaded: true, folder: '/opt/telegen', addon: '0.1.0', libbpf: '1.1', reason: null },
  obstacle: null,
  program_types: [
    { type: 'fentry', ok: false, step: 'load', code: 'EPERM', reason: 'Operation not permitted' },
    { type: 'tp_btf', ok: true },
  ],
  tracers: [
    {
      tracer: 'http',
      rung: 'tp_btf',
      tried: false,
      passed_over: [
        { rung: 'fentry', reason: 'fentry programs do not load here' },
        { rung: 'tp_btf', reason: 'what sendfile sends is not counted' },
      ],
      reason: null,
    },
    { tracer: 'dns', rung: null, tried: false, passed_over: [], reason: 'none of its ways is possible here' },
  ],
  mounts: { cgroup2: '/sys/fs/cgroup', tracefs: null, bpffs: null },
}

describe('telegen doctor', () => {
  test('lines up what it tells people', () => {
    assert.equal(
      doctorText(REPORT, false),
      `telegen 0.1.0 on linux 6.1.0, x64

Kernel
  types (BTF)                yes
  lockdown                   unknown
  unprivileged_bpf_disabled  2
  perf_event_paranoid        3
  cgroup2                    /sys/fs/cgroup
  tracefs                    not mounted  as root mounted when a tracer needs it
  bpffs                      not mounted

This process
  user            1000
  capabilities    CAP_BPF                 without CAP_PERFMON, CAP_NET_ADMIN, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_SYS_ADMIN
  container       docker
  processes       of its namespace alone  events name the host's pids: run it in the host's pid namespace
  user namespace  initial
  cgroup          /

Native part
  addon  0.1.0, with libbpf 1.1
  from   /opt/telegen

What can be loaded
  fentry  no  fentry programs do not load here: EPERM (operation not permitted)
  tp_btf  yes

What the ebpf receiver uses
  http  tp_btf
        fentry  passed over: fentry programs do not load here
        tp_btf  lacks: what sendfile sends is not counted
  dns   none    none of its ways is possible here
`,
    )
  })

  test('is coloured where that is wanted, and says the same', () => {
    const text = doctorText(REPORT, true)
    assert.notEqual(text, doctorText(REPORT, false))
    assert.equal(stripVTControlCharacters(text), doctorText(REPORT, false))
  })

  test('without the native part and without root it says what is missing, and that is no failure', LINUX, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'doctor', '--json'], {
      encoding: 'utf8',
      env: { ...process.env, TELEGEN_PREBUILT: '/nowhere' },
      ...(process.geteuid?.() === 0 && { uid: NOBODY, gid: NOBODY }),
    })
    assert.equal(status, 0, stderr)
    const report = JSON.parse(stdout) as DoctorReport
    assert.equal(report.native.loaded, false)
    assert.match(report.native.reason ?? '', /^\/nowhere\/telegen\.node is missing/)
    assert.equal(report.obstacle, report.native.reason)
    assert.deepEqual(report.program_types, [])
    for (const { rung, reason } of report.tracers) assert.deepEqual([rung, reason], [null, report.native.reason])
    assert.notEqual(report.process.uid, 0)
    assert.deepEqual(report.process.capabilities, [])
  })

  test('without root it says once what that is in the way of', BUILT, () => {
    if (process.geteuid?.() !== 0) return
    const { stdout } = spawnSync(process.execPath, [MAIN, 'doctor'], { encoding: 'utf8', uid: NOBODY, gid: NOBODY })
    assert.match(stdout, /What can be loaded\n  nothing  loading programs into the kernel needs root or CAP_BPF \+ /)
  })

  const rungs: Rung[] = [
    { name: 'nothing', needs: [], object: 'no/such_object' },
    { name: 'parameters', needs: [], object: 'socket/tp_btf', parameters: { arity: 'no_such_function' } },
  ]

  test('tries every type of program, and foresees why a tracer has no way', BUILT, async (t) => {
    const report = await examine({ ladders: [{ tracer: 'http', rungs }], load: false })
    if (report.obstacle !== null) return t.skip(report.obstacle)
    assert.deepEqual(
      report.program_types.map(({ type }) => type),
      [...PROGRAM_TYPES],
    )
    assert.deepEqual(
      report.tracers[0]?.passed_over.map(({ rung }) => rung),
      ['nothing', 'parameters'],
    )
    assert.match(report.tracers[0]?.passed_over[0]?.reason ?? '', /no\/such_object\.bpf\.o is missing/)
    assert.equal(report.tracers[0]?.passed_over[1]?.reason, 'this kernel has no function no_such_function')
    return undefined
  })

  test('with `load` it tries, and says the same', BUILT, async (t) => {
    const report = await examine({ ladders: [{ tracer: 'http', rungs }], load: true })
    const [http] = report.tracers
    if (report.obstacle !== null) return t.skip(report.obstacle)
    assert.deepEqual([http?.rung, http?.tried], [null, true])
    return undefined
  })
})

describe('what a process may do', () => {
  test('capabilities are named by their bits', () => {
    assert.deepEqual(capabilityNames('CapPrm:\t0000000000000001\nCapEff:\t000000c000001000\n'), [
      'CAP_NET_ADMIN',
      'CAP_PERFMON',
      'CAP_BPF',
    ])
    assert.equal(capabilityNames('CapEff:\t000001ffffffffff').length, 41)
    assert.deepEqual(capabilityNames(''), [])
  })

  test('the lockdown in effect stands in brackets', () => {
    assert.equal(lockdownOf('none [integrity] confidentiality\n'), 'integrity')
    assert.equal(lockdownOf(undefined), null)
  })
})

describe('being in a container', () => {
  const nowhere: Signs = { cgroups: '0::/\n', mountinfo: '', environment: {}, exists: () => false, systemd: undefined }
  const cases: readonly (readonly [string, Partial<Signs>, ReturnType<typeof containerOf>])[] = [
    ['nothing shows', {}, null],
    ['a service of the host', { cgroups: '0::/system.slice/docker.service\n' }, null],
    [
      'a mount of Docker in a cgroup namespace',
      { mountinfo: `9 1 8:1 /var/lib/docker/containers/${ID}/hostname /etc/hostname rw - ext4 /dev/vda rw` },
      { runtime: 'docker', id: ID },
    ],
    ['a file of Podman', { exists: (path) => path === '/run/.containerenv' }, { runtime: 'podman', id: null }],
    [
      'a pod of Kubernetes',
      { cgroups: `0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-${ID}.scope\n` },
      { runtime: 'kubernetes', id: ID },
    ],
    ['what systemd found', { systemd: 'systemd-nspawn' }, { runtime: 'systemd-nspawn', id: null }],
  ]
  for (const [name, signs, expected] of cases)
    test(`is told by ${name}`, () => assert.deepEqual(containerOf({ ...nowhere, ...signs }), expected))
})
