import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Control, ReloadReport, Tapped } from '../../../src/plugin.ts'
import definition from '../../../src/extensions/admin/index.ts'
import { adminServer } from '../../../src/extensions/admin/server.ts'
import { systemClock } from '../../../src/component/clock.ts'
import { TestContext } from '../../component/test-context.ts'
import { configured } from '../../transport/configured.ts'

interface Test {
  after(run: () => unknown): void
}

export interface Reply {
  readonly code: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  readonly json: never
}

export const REPORT: ReloadReport = {
  outcome: 'reloaded',
  at: Date.UTC(2026, 0, 2),
  took: 12,
  faults: [],
  started: ['exporter nop/b'],
  stopped: ['exporter nop/a'],
  kept: ['receiver otlp'],
  needsRestart: [],
}

/** An admin server over controls that a test changes. */
export async function stage(t: Test, yaml = '', more: Partial<Control> = {}) {
  const listeners = new Set<(tapped: Tapped) => void>()
  const control: Control = {
    version: '1.2.3',
    draw: (form, flows = []) => `${form}: ${flows.map(({ from, to, text }) => `${from} > ${to}: ${text}`).join()}`,
    edges: () => [],
    budgets: () => [{ signal: 'traces', used: 1, limit: 2 }],
    queues: () => [{ exporter: 'nop', signal: 'traces', size: 3, capacity: 4 }],
    configuration: async () => 'receivers: {}\n',
    reload: async () => REPORT,
    lastReload: undefined,
    logLevel: 'info',
    tap(target, listener) {
      if (target === 'none') throw new Error('there is no pipeline or component "none"')
      listeners.add(listener)
      const edges = [{ pipeline: 'traces', from: 'otlp', to: 'batch' }]
      return { edges, note: undefined, close: () => void listeners.delete(listener) }
    },
    ...more,
  }
  const startTime = Date.now()
  const host = {
    ready: true,
    startTime,
    control,
    statuses: () => [
      {
        kind: 'receiver',
        id: 'otlp',
        pipelines: ['traces'],
        state: 'ok' as const,
        reason: undefined,
        since: startTime,
      },
    ],
  }
  const config = configured(definition, `endpoint: 127.0.0.1:0\n${yaml}`)
  const context = Object.assign(new TestContext('admin', config), { host, clock: systemClock })
  const server = adminServer(context)
  await server.start?.()
  t.after(() => server.stop?.(AbortSignal.abort()))
  // Timers of components keep nobody alive.
  const alive = setInterval(() => {}, 2 ** 30)
  t.after(() => clearInterval(alive))
  const port = server.port as number
  return {
    control,
    context,
    server,
    port,
    listeners,
    ask: (method: string, path: string, options: Asking = {}) => ask(port, method, path, options),
    open: (path: string) => open(port, path),
  }
}

interface Asking {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

async function ask(port: number, method: string, path: string, { headers = {}, body }: Asking): Promise<Reply> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ host: '127.0.0.1', port, method, path, headers, agent: false }, resolve).on('error', reject).end(body)
  })
  let text = ''
  for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) text += chunk
  return {
    code: response.statusCode as number,
    headers: response.headers,
    text,
    get json() {
      return JSON.parse(text) as never
    },
  }
}

/** A response that goes on: its lines until now. */
async function open(port: number, path: string) {
  const lines: string[] = []
  const sent = request({ host: '127.0.0.1', port, path, agent: false })
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.on('response', resolve).on('error', reject).end()
  })
  let rest = ''
  response.on('error', () => {})
  const read = () =>
    response.setEncoding('utf8').on('data', (chunk: string) => {
      const pieces = (rest + chunk).split('\n')
      rest = pieces.pop() as string
      lines.push(...pieces)
    })
  return { lines, response, read, leave: () => sent.destroy() }
}

/** Waits, for ten seconds at most, until `condition` holds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (const end = performance.now() + 10_000; !condition();) {
    if (performance.now() > end) throw new Error(`waited ten seconds for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
