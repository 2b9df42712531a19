import type { Answer } from './answer.ts'
import { refusal, yaml } from './answer.ts'
import { cpuProfile, heapSnapshot } from './debug.ts'
import { changeLogLevel, logLevel } from './log-level.ts'
import { page } from './page.ts'
import { planWithRates } from './plan.ts'
import { reload } from './reload.ts'
import type { Route } from './route.ts'
import { status } from './status.ts'
import { tap } from './tap.ts'

export const ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/',
    summary: 'This page.',
    handle: async ({ control, context }) => page(ROUTES, control, context),
  },
  {
    method: 'GET',
    path: '/status',
    summary: 'Components, pipelines, memory, queues, the last reload, as JSON.',
    handle: async (asked) => status(asked),
  },
  {
    method: 'GET',
    path: '/plan',
    example: '/plan?format=text',
    summary: 'What runs, with what flows on every edge, measured for a second: `format` json, text, mermaid or dot.',
    handle: planWithRates,
  },
  {
    method: 'GET',
    path: '/config',
    summary: 'The configuration that is in effect, as `telegen print-config` prints it, secrets redacted.',
    handle: async ({ control }) => yaml(await control.configuration()),
  },
  {
    method: 'POST',
    path: '/-/reload',
    summary: 'Reads the configuration again and waits until it is in effect, or refused.',
    outlives: true,
    handle: reload,
  },
  {
    method: 'GET',
    path: '/log-level',
    summary: 'How much is logged.',
    handle: async ({ control }) => logLevel(control),
  },
  {
    method: 'PUT',
    path: '/log-level',
    summary: 'Logs more or less until the next change or restart: `debug`, `info`, `warn` or `error`.',
    handle: changeLogLevel,
  },
  {
    method: 'GET',
    path: '/tap',
    example: '/tap?target=traces',
    summary:
      'Records that pass a pipeline or component, a JSON object a line, until you leave; see `telegen tap --help`.',
    handle: tap,
  },
  {
    method: 'GET',
    path: '/debug/cpu',
    example: '/debug/cpu?seconds=10',
    summary: 'A CPU profile (.cpuprofile) for the developer tools of a browser or editor.',
    alone: true,
    handle: cpuProfile,
  },
  {
    method: 'GET',
    path: '/debug/heap',
    summary:
      'A heap snapshot (.heapsnapshot). Holds data and secrets in plain text, and stops everything while it is taken.',
    alone: true,
    handle: heapSnapshot,
  },
]

/** The route of a request, or why there is none. */
export function routeOf(method: string, path: string): Route | Answer {
  const asked = method === 'HEAD' ? 'GET' : method
  const same = ROUTES.filter((route) => route.path === path)
  const route = same.find((each) => each.method === asked)
  if (route) return route
  if (same.length > 0) return refusal(405, `${path} takes ${same.map((each) => each.method).join(' and ')}`)
  return refusal(404, `there is ${[...new Set(ROUTES.map((each) => each.path))].join(', ')}`)
}
