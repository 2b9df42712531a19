/** Runs on the kernel that is looked at, as root: loads all, has tracers trace a little of everything on each of their rungs, and writes what it found. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import type { DoctorReport } from '../../../src/cli/doctor/report.ts'
import { setTimeout as pause } from 'node:timers/promises'
import { loadAddon } from '../../../src/native.ts'
import { mounts, mountTracefs } from '../../../src/native/mounts.ts'
import { rungs as dns } from '../../../src/receivers/ebpf/tracers/dns/rungs.ts'
import { rungs as exec } from '../../../src/receivers/ebpf/tracers/exec/rungs.ts'
import { SOCKET_RUNGS } from '../../../src/receivers/ebpf/tracers/http/rungs.ts'
import { rungs as tcp } from '../../../src/receivers/ebpf/tracers/tcp/rungs.ts'
import type { Findings, ProgramFinding } from '../findings.ts'
import { judge } from '../judge.ts'
import { tryPrograms } from './programs.ts'
import { Telegen } from './telegen.ts'
import type { Plan } from './telegen.ts'
import { makeTraffic } from './traffic.ts'

const LADDERS = Object.entries({ http: SOCKET_RUNGS, tcp, dns, exec })
const DOCTOR_MS = 120_000
const PATIENCE_MS = 90_000
const POLL_MS = 1_000
const [main, busybox, folder, out] = process.argv.slice(2) as [string, string, string, string]

const say = (what: string) => console.log(`[${performance.now().toFixed(0)} ms] ${what}`)

// As the receiver does where it needs it, which it would do only later.
if (mounts().tracefs === undefined) await mountTracefs()
say('doctor')
const doctor = JSON.parse(
  execFileSync(process.execPath, [main, 'doctor', '--json', '--load'], { encoding: 'utf8', timeout: DOCTOR_MS }),
) as DoctorReport
say('programs')
const programs = await allPrograms()
say('Telegen')
const telegen = new Telegen(main, join(folder, 'telegen'), planOf())
await telegen.ready()
say('traffic')
const traffic = await makeTraffic(busybox, folder)
say('judge')
await told()
say('stop')
const findings: Findings = { kernel: release(), doctor, programs, traffic, ...(await telegen.stop()) }
writeFileSync(out, JSON.stringify(findings))
say('done')

/** Threads on an emulated processor may take a while to begin to read. Whoever is still wrong then is judged outside, by what there is at the end. */
async function told(): Promise<void> {
  const isTold = () => {
    const { tracers } = telegen
    return judge({ tracers, traffic, lines: telegen.lines() }).every(({ state }) => state !== 'wrong')
  }
  for (const end = performance.now() + PATIENCE_MS; !isTold() && performance.now() < end;) await pause(POLL_MS)
}

async function allPrograms(): Promise<ProgramFinding[]> {
  const native = loadAddon()
  if (native.kind === 'unavailable') throw new Error(native.reason)
  const findings: ProgramFinding[] = []
  for (const [tracer, rungs] of LADDERS)
    for (const rung of rungs) findings.push(...(await tryPrograms(native.addon, native.folder, tracer, rung)))
  return findings
}

function planOf(): Plan {
  const names = [...new Set(LADDERS.flatMap(([, rungs]) => rungs.map(({ name }) => name)))]
  const tracersWith = (rung: string) =>
    LADDERS.filter(([, rungs]) => rungs.some(({ name }) => name === rung)).map(([tracer]) => tracer)
  return Object.fromEntries(names.map((rung) => [rung, tracersWith(rung)]))
}
