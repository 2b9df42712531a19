import { stable } from './json.ts'
import type { Json, JsonObject } from './json.ts'

/** A place where the Collector and Telegen are not the same; what is not there at all is absent. */
export interface Difference {
  readonly at: string
  readonly collector?: Json
  readonly telegen?: Json
}

/** Where two observations differ, as deep as they have the same shape. Lists of different lengths differ as a whole. */
export function differences(collector: Json | undefined, telegen: Json | undefined, at = ''): Difference[] {
  if (stable(collector) === stable(telegen)) return []
  if (isObject(collector) && isObject(telegen))
    return [...new Set([...Object.keys(collector), ...Object.keys(telegen)])].flatMap((name) =>
      differences(collector[name], telegen[name], at === '' ? name : `${at}.${name}`),
    )
  if (Array.isArray(collector) && Array.isArray(telegen) && collector.length === telegen.length)
    return collector.flatMap((each, index) => differences(each, telegen[index], `${at}[${index}]`))
  return [{ at, ...(collector !== undefined && { collector }), ...(telegen !== undefined && { telegen }) }]
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
