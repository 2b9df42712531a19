import { Secret } from '../component/options.ts'

/**
 * Whether two values of decoded configurations mean the same. Secrets are compared by what they hide, functions and regular
 * expressions by their source. Of a class that it does not know, only an object itself is the same: to start a component anew for nothing
 * does less harm than to keep one whose options have changed.
 */
export function equal(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true
  if (typeof left === 'function' && typeof right === 'function') return String(left) === String(right)
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  if (Object.getPrototypeOf(left) !== Object.getPrototypeOf(right)) return false
  if (Array.isArray(left)) return equalLists(left, right as unknown[])
  if (left instanceof Secret) return left.reveal() === (right as Secret).reveal()
  if (left instanceof Uint8Array) return Buffer.compare(left, right as Uint8Array) === 0
  if (left instanceof Map) return equalMaps(left, right as Map<unknown, unknown>)
  if (left instanceof Set) return equalLists([...left], [...(right as Set<unknown>)])
  if (left instanceof RegExp) return left.toString() === (right as RegExp).toString()
  if (left instanceof Date) return left.getTime() === (right as Date).getTime()
  if (!isPlain(left)) return false
  return equalMaps(new Map(Object.entries(left)), new Map(Object.entries(right)))
}

const equalLists = (left: readonly unknown[], right: readonly unknown[]): boolean =>
  left.length === right.length && left.every((each, index) => equal(each, right[index]))

const equalMaps = (left: ReadonlyMap<unknown, unknown>, right: ReadonlyMap<unknown, unknown>): boolean =>
  left.size === right.size && [...left].every(([key, value]) => right.has(key) && equal(value, right.get(key)))

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
