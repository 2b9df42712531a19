import type { Sink } from '../sending/sink.ts'
import type { Part } from './parts.ts'
import { Valve } from './valve.ts'

/**
 * Keeps what comes out of parts that live on, while what stands behind them is exchanged: it waits, and no sender is refused. It
 * is as much as the budgets allow.
 */
export class Pause {
  readonly #ways: { readonly valve: Valve; readonly next: () => Sink | undefined }[] = []

  begin(parts: Iterable<Part>): void {
    for (const part of parts) {
      if (part.kind === 'receiver') this.#shutReceiver(part.receiving, part.created.id)
      else if ('stage' in part && part.stage) this.#shutStage(part.stage, part.created.id)
    }
  }

  /** Everything has been connected: what was kept goes on. */
  end(): void {
    for (const { valve, next } of this.#ways.splice(0)) {
      const sink = next()
      if (sink === undefined || sink === valve) valve.abandon('what stood behind it is gone')
      else valve.open(sink)
    }
  }

  #shutReceiver(receiving: Extract<Part, { kind: 'receiver' }>['receiving'], id: string): void {
    const shut = new Map(
      [...receiving.outlets.keys()].map((signal) => {
        const valve = new Valve(id)
        this.#ways.push({ valve, next: () => receiving.outlets.get(signal) })
        return [signal, valve] as const
      }),
    )
    receiving.outlets = shut
  }

  #shutStage(stage: { output: Sink }, id: string): void {
    const valve = new Valve(id)
    this.#ways.push({ valve, next: () => stage.output })
    stage.output = valve
  }
}
