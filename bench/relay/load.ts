/** The process that loads the programs under test and is the backend behind them. Its parent asks, one question after the other. */
import type { Scenario } from './scenario.ts'
import { type Load, type Ports, Station, type Window } from './station.ts'

export type Question =
  | { readonly ask: 'open'; readonly scenario: Scenario; readonly ports: readonly Ports[]; readonly load: Load }
  | { readonly ask: 'learn'; readonly target: number }
  | {
      readonly ask: 'window'
      readonly target: number
      readonly pid: number
      readonly ms: number
      readonly rate?: number
    }
  | { readonly ask: 'close' }

export type Reply = { readonly window: Window } | { readonly kept: string } | { readonly done: true }

let stations: Station[] = []

async function reply(question: Question): Promise<Reply> {
  switch (question.ask) {
    case 'open':
      stations = question.ports.map((ports) => new Station(question.scenario, ports, question.load))
      await Promise.all(stations.map((station) => station.listening()))
      return { done: true }
    case 'learn':
      return { kept: await stations[question.target]!.learn() }
    case 'window':
      return { window: await stations[question.target]!.window(question.pid, question.ms, question.rate) }
    case 'close':
      for (const station of stations) station.close()
      return { done: true }
  }
}

process.on('message', (question: Question) => {
  void reply(question).then((answer) => process.send?.(answer))
})
process.on('disconnect', () => process.exit(0))
