/** Telegen as a library: plan and run a configuration from code. Components are written against `telegen/plugin`. */
export { builtInCatalog } from './builtin.ts'
export { Catalog } from './component/catalog.ts'
export { systemClock } from './component/clock.ts'
export { Graph, StartFailed } from './graph/graph.ts'
export { Metrics } from './graph/metrics.ts'
export { plan } from './graph/plan.ts'
export type { Environment } from './graph/environment.ts'
export type { Plan } from './graph/plan.ts'
