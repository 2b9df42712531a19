import { DEFAULT_LIMITS } from '../config/configuration.ts'
import { equal } from './equal.ts'
import type { Plan } from './plan.ts'

/** Nothing runs. */
export const EMPTY_PLAN: Plan = {
  extensions: [],
  pipelines: [],
  receivers: [],
  exporters: [],
  connectors: [],
  limits: DEFAULT_LIMITS,
}

/** Whether two plans have the same components in the same places; what those are is not looked at. */
export const isSameShape = (left: Plan, right: Plan): boolean => equal(shapeOf(left), shapeOf(right))

const shapeOf = ({ extensions, pipelines, receivers, exporters, connectors, limits }: Plan) => ({
  extensions: extensions.map(({ id }) => id),
  pipelines: pipelines.map(({ id, processors, targets }) => ({
    id,
    targets,
    processors: processors.map((each) => each.id),
  })),
  receivers: receivers.map(({ id, outlets, acknowledge, reaches }) => ({ id, outlets, acknowledge, reaches })),
  exporters: exporters.map(({ id, signals }) => ({ id, signals })),
  connectors: connectors.map(({ id, from, to, pipelines: into }) => ({ id, from, to, into })),
  limits,
})
