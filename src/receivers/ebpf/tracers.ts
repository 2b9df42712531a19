import type { TracerDefinition } from './tracer.ts'

/** A definition with the options of its own: whoever takes it from here hands it what its schema made. */
export type AnyTracer = TracerDefinition<unknown>

type Load = () => Promise<{ readonly default: unknown }>

/** Loaded where it is on. */
const TRACERS: Readonly<Record<string, Load>> = {}

export const TRACER_NAMES: readonly string[] = Object.keys(TRACERS)

/** Throws where nothing has that name. */
export async function tracer(name: string): Promise<AnyTracer> {
  const load = TRACERS[name]
  if (!load) throw new Error(`there is no tracer "${name}"`)
  return (await load()).default as AnyTracer
}
