import type { Attributes } from '../../../plugin.ts'
import type { Process } from '../tracer.ts'
import type { Facts } from './facts.ts'

/** A process as the table has it. When it becomes another program, that is another one of these: who holds this one still knows what it was. */
export class KnownProcess implements Process {
  readonly facts: Facts
  readonly resource: Attributes
  /** Changes with what it listens on. */
  traced: boolean
  /** When `/proc` was last asked whether it is still who it was, milliseconds. */
  checkedAt: number
  /** When it was found to have ended. Events of it may come for a while. */
  endedAt: number | undefined
  /** What the kernel has been told of it. */
  told: boolean | undefined
  /** Of its network namespace, when its ports were last looked at. */
  portsState = 0

  constructor(facts: Facts, resource: Attributes, traced: boolean, now: number) {
    this.facts = facts
    this.resource = resource
    this.traced = traced
    this.checkedAt = now
  }

  get pid(): number {
    return this.facts.pid
  }

  get name(): string {
    return this.facts.name
  }

  get executable(): string | undefined {
    return this.facts.executable
  }
}
