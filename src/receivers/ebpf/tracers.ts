import type { TracerDefinition } from './tracer.ts'

/** A definition with the options of its own: whoever takes it from here hands it what its schema made. */
export type AnyTracer = TracerDefinition<unknown>

/** Each is loaded where it is on: what is off costs nothing. Their options stand in `options.ts`. */
const TRACERS: Readonly<Record<string, () => Promise<unknown>>> = {
  http: async () => (await import('./tracers/http/index.ts')).default,
  dns: async () => (await import('./tracers/dns/index.ts')).dns,
  tcp: async () => (await import('./tracers/tcp/index.ts')).tcp,
  exec: async () => (await import('./tracers/exec/index.ts')).exec,
}

export const TRACER_NAMES: readonly string[] = Object.keys(TRACERS)

/** Rejects where nothing has that name. */
export async function tracer(name: string): Promise<AnyTracer> {
  const load = TRACERS[name]
  if (!load) throw new Error(`there is no tracer "${name}"`)
  return (await load()) as AnyTracer
}
