/** Attributes by the keys of /proc/cpuinfo on x86; other architectures have other keys, and then there is nothing to tell. */
const KEYS: Readonly<Record<string, string>> = {
  vendor_id: 'host.cpu.vendor.id',
  'cpu family': 'host.cpu.family',
  model: 'host.cpu.model.id',
  'model name': 'host.cpu.model.name',
  stepping: 'host.cpu.stepping',
}
const MAX_LINES = 200

/** The first processor in /proc/cpuinfo, by attribute. */
export function describeCpu(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const line of text.split('\n', MAX_LINES)) {
    const colon = line.indexOf(':')
    const attribute = KEYS[line.slice(0, Math.max(colon, 0)).trim()]
    const value = line.slice(colon + 1).trim()
    if (attribute !== undefined && value !== '' && !found.has(attribute)) found.set(attribute, value)
  }
  return found
}

/** Bytes, from what /sys says of a cache: `2048K`. */
export function parseCacheSize(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,9})([KMG]?)$/.exec(text.trim()) ?? []
  if (digits === undefined) return undefined
  return Number(digits) * { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, '': 1 }[unit as 'K' | 'M' | 'G' | '']
}
