import { styleText } from 'node:util'
import { reasonOfProbe } from '../../native/reasons.ts'
import type { DoctorReport, TracerFacts } from './report.ts'

type Row = readonly [name: string, value: string, more?: string, colour?: 'green' | 'yellow']
type Paint = (colour: 'bold' | 'dim' | 'green' | 'yellow', text: string) => string

/** The report for people. */
export function doctorText(report: DoctorReport, coloured: boolean): string {
  const paint: Paint = (colour, text) => (coloured ? styleText(colour, text, { validateStream: false }) : text)
  const { system } = report
  const sections: readonly (readonly [string, readonly Row[]])[] = [
    ['Kernel', kernelRows(report)],
    ['This process', processRows(report)],
    ['Native part', nativeRows(report)],
    ['What can be loaded', typeRows(report)],
    ['What the ebpf receiver uses', report.tracers.flatMap((tracer) => tracerRows(tracer, report.obstacle))],
  ]
  const title = `telegen ${report.telegen} on ${system.platform} ${system.kernel}, ${system.architecture}\n`
  return [title, ...sections.flatMap(([name, rows]) => section(name, rows, paint))].join('\n')
}

function kernelRows({ system, mounts }: DoctorReport): Row[] {
  return [
    ['types (BTF)', system.btf ? 'yes' : 'no', system.btf ? '' : 'nothing of eBPF loads without'],
    ['lockdown', system.lockdown ?? 'unknown'],
    ['unprivileged_bpf_disabled', shown(system.unprivileged_bpf_disabled)],
    ['perf_event_paranoid', shown(system.perf_event_paranoid)],
    ['cgroup2', mounts.cgroup2 ?? 'not mounted'],
    ['tracefs', mounts.tracefs ?? 'not mounted', mounts.tracefs ? '' : 'as root mounted when a tracer needs it'],
    ['bpffs', mounts.bpffs ?? 'not mounted'],
  ]
}

/** Capabilities that eBPF is about; root has others too. */
const ASKED = ['CAP_BPF', 'CAP_PERFMON', 'CAP_NET_ADMIN', 'CAP_SYS_PTRACE', 'CAP_DAC_READ_SEARCH', 'CAP_SYS_ADMIN']

function processRows({ process: { capabilities, container, ...facts } }: DoctorReport): Row[] {
  const held = ASKED.filter((name) => capabilities.includes(name))
  const lacking = ASKED.filter((name) => !capabilities.includes(name))
  const some = held.length > 0 && lacking.length > 0
  return [
    ['user', facts.uid === 0 ? 'root' : String(facts.uid)],
    ['capabilities', held.join(', ') || 'none of those for eBPF', some ? `without ${lacking.join(', ')}` : ''],
    ['container', container ? [container.runtime, container.id].filter(Boolean).join(' ') : 'none that shows'],
    [
      'processes',
      facts.host_pid_namespace === null
        ? 'unknown'
        : facts.host_pid_namespace
          ? "the host's"
          : 'of its namespace alone',
      facts.host_pid_namespace === false ? "events name the host's pids: run it in the host's pid namespace" : '',
    ],
    [
      'user namespace',
      facts.initial_user_namespace === null ? 'unknown' : facts.initial_user_namespace ? 'initial' : 'its own',
      facts.initial_user_namespace === false ? 'the kernel refuses eBPF there, whatever the capabilities' : '',
    ],
    ['cgroup', facts.cgroup ?? 'not of cgroup2'],
  ]
}

function nativeRows({ native }: DoctorReport): Row[] {
  if (!native.loaded) return [['addon', 'no', native.reason ?? '']]
  return [
    ['addon', `${native.addon}, with libbpf ${native.libbpf}`],
    ['from', native.folder],
  ]
}

function typeRows({ obstacle, native, program_types: types }: DoctorReport): Row[] {
  if (obstacle !== null) return [['nothing', obstacle === native.reason ? '' : obstacle]]
  return types.map((result) =>
    result.ok ? [result.type, 'yes', '', 'green'] : [result.type, 'no', reasonOfProbe(result), 'yellow'],
  )
}

function tracerRows({ tracer, rung, passed_over: passedOver, reason }: TracerFacts, said: string | null): Row[] {
  const first: Row = rung
    ? [tracer, rung, '', 'green']
    : [tracer, 'none', reason === said ? '' : (reason ?? ''), 'yellow']
  return [
    first,
    ...passedOver.map((each): Row => [
      '',
      each.rung,
      `${each.rung === rung ? 'lacks' : 'passed over'}: ${each.reason}`,
    ]),
  ]
}

const shown = (value: number | null): string => (value === null ? 'unknown' : String(value))

function section(title: string, rows: readonly Row[], paint: Paint): string[] {
  if (rows.length === 0) return []
  const names = Math.max(...rows.map(([name]) => name.length))
  // What has nothing beside it may be longer than the column.
  const values = Math.max(0, ...rows.map(([, value, more]) => (more ? value.length : 0)))
  const lines = rows.map(([name, value, more = '', colour]) => {
    const padded = value.padEnd(more === '' ? 0 : values)
    const shown = colour === undefined ? padded : paint(colour, padded)
    return `  ${name.padEnd(names)}  ${shown}${more && `  ${paint('dim', more)}`}`.trimEnd()
  })
  return [paint('bold', title), ...lines, '']
}
