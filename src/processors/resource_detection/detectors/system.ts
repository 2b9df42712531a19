import type { Clock, Value } from '../../../plugin.ts'
import type { Detector } from '../detector.ts'
import type { SystemAttribute } from '../system/attributes.ts'
import { SYSTEM_ATTRIBUTES } from '../system/attributes.ts'
import type { HostnameSource, NameServices } from '../system/hostname.ts'
import { findHostname } from '../system/hostname.ts'
import { systemNames } from '../system/name-services.ts'

export type Switches = Readonly<Record<string, { readonly enabled: boolean } | undefined>>

export interface SystemOptions {
  readonly hostname_sources: readonly HostnameSource[]
  readonly resource_attributes: Switches
}

const isOn = (name: string, attribute: SystemAttribute, switches: Switches): boolean =>
  (attribute.formerly === undefined ? undefined : switches[attribute.formerly]?.enabled) ??
  switches[name]?.enabled ??
  attribute.enabled

/** Host and operating system, as this process sees them. Asking DNS for a name may take `dnsLimit` milliseconds, so that the sources after it get their turn. */
export function systemDetector(
  { hostname_sources, resource_attributes }: SystemOptions,
  clock: Clock,
  dnsLimit: number,
  names: (abort: AbortSignal) => NameServices = systemNames,
): Detector {
  const wanted = Object.entries(SYSTEM_ATTRIBUTES).filter(([name, one]) => isOn(name, one, resource_attributes))
  return {
    name: 'system',
    async detect(abort) {
      const attributes = new Map<string, Value>()
      const missing: string[] = []
      let failure: Error | undefined
      for (const [name, { read }] of wanted) {
        if (read === undefined) {
          const hostname = await limited(clock, dnsLimit, abort, (limit) =>
            findHostname(hostname_sources, names(limit)),
          ).catch((error: Error) => void (failure = error))
          if (hostname !== undefined) attributes.set(name, hostname)
          continue
        }
        const value = await read().catch((error: Error) => void missing.push(`${name} (${error.message})`))
        if (value === undefined) missing.push(name)
        else attributes.set(name, value)
      }
      return { attributes, missing, ...(failure && { failure }) }
    },
  }
}

/** Aborts what `run` does after `milliseconds`. It settles by itself then. */
async function limited<T>(
  clock: Clock,
  milliseconds: number,
  abort: AbortSignal,
  run: (limit: AbortSignal) => Promise<T>,
) {
  const limit = new AbortController()
  const timer = clock.after(milliseconds, () => limit.abort(new Error(`no answer within ${milliseconds} ms`)))
  try {
    return await run(AbortSignal.any([abort, limit.signal]))
  } finally {
    timer.cancel()
  }
}
