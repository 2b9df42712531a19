import type { Attributes, FeedProcess, LogFields } from '../../../../plugin.ts'
import { Double } from '../../../../plugin.ts'
import { pidOf, timeOf, typeOf, unsigned64 } from '../../event.ts'
import type { Process, Tracer, TracerContext } from '../../tracer.ts'
import {
  argumentsOf,
  cgroupOf,
  EVENT_EXECUTED,
  EVENT_EXITED,
  EVENT_FORKED,
  EXECUTED,
  EXECUTED_BYTES,
  EXITED,
  EXITED_BYTES,
  FORKED,
  FORKED_BYTES,
  nameAt,
  PATH_BYTES,
  startOf,
  textAt,
} from './event.ts'
import type { ExecOptions } from './options.ts'
import { pageBytes } from './page-bytes.ts'
import { redaction } from './redaction.ts'
import type { Redaction } from './redaction.ts'
import { ending, isFault } from './signals.ts'
import type { Ending } from './signals.ts'

const INFO = 9
const ERROR = 17
const NANOSECONDS = 1e9

/** Log records of programs that start and processes that end; tells the process table and who listens of both. */
export class ExecTracer implements Tracer {
  readonly types = [EVENT_EXECUTED, EVENT_EXITED, EVENT_FORKED]
  readonly #context: TracerContext
  readonly #options: ExecOptions
  readonly #redact: Redaction
  readonly #wantsRecords: boolean

  constructor(context: TracerContext, options: ExecOptions) {
    this.#context = context
    this.#options = options
    this.#redact = redaction(options.redaction)
    this.#wantsRecords = context.wants('logs')
  }

  event(buffer: Buffer, at: number, length: number): void {
    switch (typeOf(buffer, at)) {
      case EVENT_EXECUTED:
        return isExecuted(buffer, at, length) ? this.#executed(buffer, at) : this.#context.drop('malformed')
      case EVENT_EXITED:
        return length >= EXITED_BYTES ? this.#exited(buffer, at) : this.#context.drop('malformed')
      case EVENT_FORKED:
        return length >= FORKED_BYTES ? this.#forked(buffer, at) : this.#context.drop('malformed')
      default:
        return this.#context.drop('unknown_type')
    }
  }

  #executed(buffer: Buffer, at: number): void {
    const { processes } = this.#context
    const pid = pidOf(buffer, at)
    const name = nameAt(buffer, at + EXECUTED.name)
    const parent = buffer.readUInt32LE(at + EXECUTED.parent)
    const user = buffer.readUInt32LE(at + EXECUTED.uid)
    const asked = pathAt(buffer, at + EXECUTED.path, buffer.readUInt16LE(at + EXECUTED.path_bytes))
    const runs = pathAt(buffer, at + EXECUTED.interpreter, buffer.readUInt16LE(at + EXECUTED.interpreter_bytes))
    const { values, isWhole } = argumentsOf(buffer, at)
    if (!isWhole) this.#context.note('arguments_cut')
    const executable = runs ?? asked
    const cgroupId = cgroupOf(buffer, at)
    const told = { pid, parent, name, start: startOf(buffer, at), executable, arguments: values, user, cgroupId }
    const process = processes.started?.(told) ?? processes.of(pid, name)
    const time = this.#context.wall(timeOf(buffer, at))
    const given = this.#redact(values)
    this.#context.tell?.({ kind: 'started', time, process: { ...feedProcess(process), parent, arguments: given } })
    if (!this.#wantsRecords || !process.traced) return
    const began = time - buffer.readBigUInt64LE(at + EXECUTED.age)
    const own = buffer.readUInt32LE(at + EXECUTED.own_pid)
    this.#record(process, {
      time,
      eventName: 'process.exec',
      body: `Process ${pid} started ${asked ?? process.executable ?? name}`,
      attributes: {
        'process.parent_pid': parent,
        'process.vpid': own === 0 || own === pid ? undefined : own,
        'process.creation.time': isoTime(began),
        'process.real_user.id': user,
        ...this.#argumentsOf(given, isWhole),
      },
    })
  }

  #argumentsOf(given: readonly string[], isWhole: boolean): Attributes {
    if (given.length === 0) return {}
    const { arguments: wanted, command_line } = this.#options
    return {
      'process.command_args': wanted ? given : undefined,
      'process.args_count': wanted && isWhole ? given.length : undefined,
      'process.command_line': command_line ? given.join(' ') : undefined,
    }
  }

  #exited(buffer: Buffer, at: number): void {
    const { processes } = this.#context
    const pid = pidOf(buffer, at)
    const process = processes.of(pid, nameAt(buffer, at + EXITED.name))
    processes.exited?.(pid)
    const time = this.#context.wall(timeOf(buffer, at))
    const end = ending(buffer.readUInt32LE(at + EXITED.exit_code))
    const duration = unsigned64(buffer, at + EXITED.age) / NANOSECONDS
    const runTime = unsigned64(buffer, at + EXITED.run_time) / NANOSECONDS
    const how = end.kind === 'exited' ? { code: end.code } : { signal: end.signal }
    const parent = buffer.readUInt32LE(at + EXITED.parent)
    const about = { ...feedProcess(process), parent }
    this.#context.tell?.({ kind: 'exited', time, process: about, ...how, duration, processorTime: runTime })
    if (!this.#wantsRecords || !process.traced) return
    const peak = unsigned64(buffer, at + EXITED.peak_pages) * pageBytes()
    this.#record(
      process,
      {
        time,
        eventName: 'process.exit',
        body: sentence(pid, process.name, end, duration),
        attributes: {
          'process.parent_pid': parent,
          'process.exit.code': end.kind === 'exited' ? end.code : undefined,
          'process.exit.signal': end.kind === 'killed' ? end.signal : undefined,
          'process.duration': new Double(duration),
          ...processorTimes(
            runTime,
            unsigned64(buffer, at + EXITED.user_time),
            unsigned64(buffer, at + EXITED.system_time),
          ),
          'process.memory.usage.peak': peak === 0 ? undefined : peak,
        },
      },
      end.kind === 'killed' && isFault(end.signal),
    )
  }

  #forked(buffer: Buffer, at: number): void {
    const pid = pidOf(buffer, at)
    const parent = buffer.readUInt32LE(at + FORKED.parent)
    const process = this.#context.processes.of(pid, nameAt(buffer, at + FORKED.name))
    if (!this.#wantsRecords || !process.traced) return
    this.#record(process, {
      time: this.#context.wall(timeOf(buffer, at)),
      eventName: 'process.fork',
      body: `Process ${pid} began as a copy of process ${parent}`,
      attributes: { 'process.parent_pid': parent },
    })
  }

  #record(process: Process, fields: LogFields, isFault = false): void {
    const severity = isFault ? { severity: ERROR, severityText: 'ERROR' } : { severity: INFO, severityText: 'INFO' }
    this.#context.record(process, { ...severity, ...fields })
  }
}

/** Lengths that the event says of itself have to hold. */
const isExecuted = (buffer: Buffer, at: number, length: number): boolean =>
  length >= EXECUTED_BYTES &&
  EXECUTED_BYTES + buffer.readUInt16LE(at + EXECUTED.captured) <= length &&
  buffer.readUInt16LE(at + EXECUTED.path_bytes) < PATH_BYTES &&
  buffer.readUInt16LE(at + EXECUTED.interpreter_bytes) < PATH_BYTES

/** Undefined where there is none; what may have been cut says nothing certain either. */
const pathAt = (buffer: Buffer, at: number, bytes: number): string | undefined =>
  bytes === 0 || bytes === PATH_BYTES - 1 ? undefined : textAt(buffer, at, bytes)

const feedProcess = ({ pid, name, executable, traced, resource }: Process): FeedProcess => ({
  pid,
  name,
  executable,
  traced,
  resource,
})

/**
 * How the scheduler's time is shared out, as the kernel does it for wait4(2): by what its clock's ticks found. Where no tick met the process, nothing
 * is known of the shares, and it counts as user time.
 */
function processorTimes(runTime: number, userTicks: number, systemTicks: number): Attributes {
  const ticks = userTicks + systemTicks
  const system = ticks === 0 ? 0 : runTime * (systemTicks / ticks)
  return { 'process.cpu.time.user': new Double(runTime - system), 'process.cpu.time.system': new Double(system) }
}

function sentence(pid: number, name: string, end: Ending, duration: number): string {
  const how = end.kind === 'exited' ? `exited with code ${end.code}` : `was ended by ${end.signal}`
  return `Process ${pid} (${name}) ${how} after ${duration.toFixed(3)} s`
}

/** As semantic conventions have it. Bytes may be anything, and so may a time. */
function isoTime(nanoseconds: bigint): string | undefined {
  const date = new Date(Number(nanoseconds / 1_000_000n))
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}
