/** `docs/overhead.md`. */
import { kibibytes, mebibytes, percent, signed } from './print.ts'
import { verdictOf } from './results.ts'
import type { AgentRow, CostRow, DecodeRow, IdleRow, MemoryRow, ProgramRow, Results, RingRow } from './results.ts'

export function page(results: Results): string {
  const { machine, date, loadAverage, costs, notMeasured, programs, memory, idle, agent, ring, decode } = results
  const parts = [
    `# What the receiver ebpf costs

Made by \`npm run bench -- ebpf --write\`; do not edit it. All rows stand here, those that are worse than we promise, too. Of another machine the figures differ:
measure yours, and whatever a release changes.

Measured on: ${machine}; ${date}. Load average before it began: ${loadAverage.toFixed(1)}.`,
    costPart(costs),
    ...notMeasured.map((what) => `Not measured: ${what}.`),
    programPart(programs),
    agentPart(agent, idle),
    memoryPart(memory, [idle.residentBytes, ...agent.map(({ residentBytes }) => residentBytes)]),
    eventPart(ring, decode),
    HOW,
  ]
  return `${parts.join('\n\n')}\n`
}

const HOW = `## How it is measured

\`\`\`
npm run build
npm run bench -- ebpf --write    # as root, some ten minutes; needs clang, nginx, dnsmasq
npm run bench -- ebpf overhead   # a part alone; --quick for a first look
\`\`\`

- **Pairs.** A pair is a window with the tracer's programs in the kernel and one without; they are attached and taken away each time, and the order changes from pair to
  pair. Told is the median of the differences within pairs, with the interval that holds the true median with 95 % certainty by the sign test, which asks nothing
  of how noise is spread. Where the interval spans zero, no difference was seen; that does not mean that there is none.
- **What is traced** is pinned to one core, and the load, a C program, to another. Processor time is the scheduler's of all threads, in nanoseconds. It has the
  programs' run time in it, what they do to caches, and on loopback what the kernel does for the other end while it sends.
- **The load** stands for clients on other hosts: it is left out by the tracers. Its system calls pass the same programs on the same machine, which is why the latency that it sees has more in
  it than that of a client elsewhere would. Where who asks is what is traced (\`dns\`, \`exec\`) it is not left out.
- **Run time of programs** is the kernel's (\`bpf_stats_enabled\`), which adds some tens of nanoseconds to each run, and counts the runs of everybody on the host.
- **The agent** runs as a process of its own, not pinned, with the options' defaults, a \`batch\` processor, and as output either nothing (\`nop\`) or \`otlp_grpc\` with gzip to a
  backend on the same host. Open connections and the number of processes stay the same over the measurement.`

function costPart(rows: readonly CostRow[]): string {
  const lines = rows.map(({ scenario, tracers, what, unit, without, added, lost }) => {
    const digits = unit === 'ns' ? 0 : 2
    const span = added.low <= 0 && added.high >= 0 ? 'spans zero: no difference seen' : ''
    return cells([
      scenario,
      tracers,
      what,
      `${without.toFixed(digits)} ${unit}`,
      `**${fixed(added.median, digits)}** (${fixed(added.low, digits)} to ${fixed(added.high, digits)})`,
      `${added.pairs}`,
      [span, lost > 0 ? `${lost} events lost` : ''].filter(Boolean).join('; '),
    ])
  })
  return table(
    '## What is added to what others do',
    'The median of the differences within pairs, and its 95 % interval.',
    ['', 'tracer', 'measured', 'without', 'added', 'pairs', ''],
    ['---', '---', '---', '--:', '--:', '--:', '---'],
    lines,
  )
}

function programPart(rows: readonly ProgramRow[]): string {
  const lines = rows.map(({ tracer, rung, program, operation, runs, nanoseconds, microseconds }) =>
    cells([
      tracer,
      rung,
      `\`${program}\``,
      operation,
      runs.toFixed(2),
      nanoseconds.toFixed(0),
      `**${microseconds.toFixed(2)}**`,
    ]),
  )
  const totals = [...new Set(rows.map(({ tracer }) => tracer))].map((tracer) => {
    const own = rows.filter((row) => row.tracer === tracer)
    const all = own.reduce((sum, { microseconds }) => sum + microseconds, 0)
    return `\`${tracer}\` ${all.toFixed(2)} us a ${own[0]?.operation}`
  })
  return table(
    '## What the programs take, by the kernel',
    `Both ends of what passes on this host, the load's included. Together: ${totals.join(', ')}.`,
    ['tracer', 'hook', 'program', 'operation', 'runs each', 'ns a run', 'us each'],
    ['---', '---', '---', '---', '--:', '--:', '--:'],
    lines,
  )
}

function agentPart(rows: readonly AgentRow[], idle: IdleRow): string {
  const lines = rows.map((row) => {
    const { rate, sides, output, wanted, reached, core, perRequestUs, residentBytes } = row
    const verdict = verdictOf(row)
    return cells([
      `${rate.toLocaleString('en')} (${Math.round(reached).toLocaleString('en')})`,
      sides === 'server' ? 'the server' : 'both: 2 spans a request',
      `\`${output}\``,
      `**${percent(core)}**`,
      wanted === undefined ? '' : `< ${percent(wanted)}${verdict === 'kept' ? '' : `, **${verdict}**`}`,
      perRequestUs.toFixed(1),
      mebibytes(residentBytes),
    ])
  })
  return table(
    "## The agent's process",
    `All threads, as a share of one core, with the tracer \`http\`, traces and metrics, and an nginx that is asked over 16 connections. With clients on other hosts one side is traced, the server; where
they run on the same one, both. While nothing happens, with all four tracers: **${percent(idle.core)}** of a core over ${idle.seconds} s, ${mebibytes(idle.residentBytes)} MiB resident.`,
    ['requests/s (reached)', 'traced', 'output', 'of a core', 'promised', 'us a request', 'resident MiB'],
    ['--:', '---', '---', '--:', '--:', '--:', '--:'],
    lines,
  )
}

function memoryPart(rows: readonly MemoryRow[], resident: readonly number[]): string {
  const lines = rows.map(({ of, maps, programs }) => cells([of, mebibytes(maps), kibibytes(programs)]))
  return table(
    '## Memory',
    `Of the kernel, as it accounts for maps and programs (\`memlock\`), with the options' defaults; a tracer that is off has none of it. Shared are the ring (16 MiB) and the verdicts on
processes. The agent's own: ${mebibytes(Math.min(...resident))} to ${mebibytes(Math.max(...resident))} MiB resident in the runs above.`,
    ['tracer', 'maps, MiB', 'programs, KiB'],
    ['---', '--:', '--:'],
    lines,
  )
}

function eventPart(ring: readonly RingRow[], decode: readonly DecodeRow[]): string {
  const lines = ring.map(({ rate, seconds, read, lost, neverWritten, microseconds, core }) =>
    cells([
      rate.toLocaleString('en'),
      `${seconds}`,
      Math.round(read).toLocaleString('en'),
      `${lost}`,
      `${neverWritten}`,
      microseconds.toFixed(3),
      percent(core),
    ]),
  )
  const decoded = decode.map(({ name, item, microseconds, wanted }) => {
    const verdict = wanted === undefined ? '' : microseconds <= wanted ? `< ${wanted}` : `< ${wanted}, **missed**`
    return cells([item, name, microseconds.toFixed(3), verdict])
  })
  return `${table(
    '## The way of an event',
    'Events of 64 bytes from the kernel into JavaScript, in the receiver\'s thread. "Never written": the ring was full. Promised: 300,000 a second for 30 s, none lost.',
    ['asked for/s', 'seconds', 'read/s', 'lost', 'never written', 'CPU us an event', 'of a core'],
    ['--:', '--:', '--:', '--:', '--:', '--:', '--:'],
    lines,
  )}

What TypeScript takes, from bytes to what is known of a request; a transaction is up to its spans and durations. Beside it \`JSON.parse\` of as many bytes.

${cells(['item', '', 'us', 'promised'])}
${cells(['---', '---', '--:', '--:'])}
${decoded.join('\n')}`
}

const fixed = (value: number, digits: number): string =>
  digits === 2 ? signed(value) : `${value < 0 ? '' : '+'}${value.toFixed(digits)}`

const table = (
  title: string,
  about: string,
  head: readonly string[],
  rule: readonly string[],
  lines: readonly string[],
): string => [title, '', about, '', cells(head), cells(rule), ...lines].join('\n')

const cells = (values: readonly string[]): string => `| ${values.join(' | ')} |`
