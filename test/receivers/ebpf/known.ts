import type { Process, Processes } from '../../../src/receivers/ebpf/tracer.ts'

type Known = { -readonly [K in keyof Process]: Process[K] }

export const known = (pid: number, more: Partial<Process> = {}): Known => ({
  pid,
  name: `p${pid}`,
  traced: true,
  resource: { 'process.pid': pid },
  ...more,
})

/** Processes without `/proc`: each pid is one, made when it is asked for. */
export class FakeProcesses implements Processes {
  readonly host = known(0, { resource: {} })
  readonly ended = new Set<Process>()
  readonly verdicts: (readonly [number, number])[] = []
  sweeps = 0
  readonly #known = new Map<number, Process>()

  of(pid: number): Process {
    let process = this.#known.get(pid)
    if (!process) this.#known.set(pid, (process = known(pid)))
    return process
  }

  hasEnded(process: Process): boolean {
    return this.ended.has(process)
  }

  sweep(): void {
    this.sweeps++
  }

  takeVerdicts(): readonly (readonly [number, number])[] {
    return this.verdicts.splice(0)
  }
}
