/** A kernel counter, exact: a bigint from 2^53 on, which an interface of 100 Gbit/s passes within nine days. */
export type Count = number | bigint

export function multiply(count: Count, factor: number): Count {
  if (typeof count === 'bigint') return count * BigInt(factor)
  const product = count * factor
  return Number.isSafeInteger(product) ? product : BigInt(count) * BigInt(factor)
}

/** The difference, or 0 where it would be negative: parts that are read one after another need not add up. */
export function minus(whole: Count, part: Count): Count {
  if (part >= whole) return 0
  return typeof whole === 'number' && typeof part === 'number' ? whole - part : exact(BigInt(whole) - BigInt(part))
}

/** A number where it can say it exactly. */
export const exact = (count: bigint): Count => (count <= Number.MAX_SAFE_INTEGER ? Number(count) : count)
