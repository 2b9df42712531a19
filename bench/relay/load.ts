/** The process that loads the programs under test and is the backend behind them. Its parent asks, one question after the other. */
import type { Scenario } from './scenario.ts'
import { type Load, type Ports, Station, type Window } from './station.ts'

export type Question =
  | { readonly ask: 'open'; readonly posts: readonly Post[] }
  | { readonly ask: 'learn'; readonly target: number }
  | { readonly ask: 'window'; readonly pid: number; readonly ms: number; readonly at: readonly Share[] }
  | { readonly ask: 'close' }

/** A station to set up. */
export interface Post {
  readonly scenario: Scenario
  readonly ports: Ports
  readonly load: Load
}

/** What a station does in a window: as much as it can, or so many requests a second. */
export interface Share {
  readonly target: number
  readonly rate?: number
}

export type Reply = { readonly windows: Window[] } | { readonly kept: string } | { readonly done: true }

let stations: Station[] = []

async function reply(question: Question): Promise<Reply> {
  switch (question.ask) {
    case 'open':
      stations = question.posts.map(({ scenario, ports, load }) => new Station(scenario, ports, load))
      await Promise.all(stations.map((station) => station.listening()))
      return { done: true }
    case 'learn':
      return { kept: await stations[question.target]!.learn() }
    case 'window':
      return {
        windows: await Promise.all(
          question.at.map(({ target, rate }) => stations[target]!.window(question.pid, question.ms, rate)),
        ),
      }
    case 'close':
      for (const station of stations) station.close()
      return { done: true }
  }
}

process.on('message', (question: Question) => {
  // Where the parent has gone meanwhile, `disconnect` follows.
  void reply(question).then((answer) => process.send?.(answer, undefined, undefined, () => {}))
})
process.on('disconnect', () => process.exit(0))
