import type { Value } from '../../../plugin.ts'
import type { Detector } from '../detector.ts'

/** More than any environment holds: the kernel ends each of its strings at 128 KiB. */
const MAX_ATTRIBUTES = 4096

/**
 * Resource attributes from the environment, as the specification has it for SDKs
 * (https://opentelemetry.io/docs/specs/otel/resource/sdk/#specifying-resource-information-via-an-environment-variable):
 * `OTEL_RESOURCE_ATTRIBUTES=key=value,…` with percent-encoding, discarded whole where a part of it is wrong;
 * `OTEL_SERVICE_NAME` goes before its `service.name`. `OTEL_RESOURCE` is the Collector's older name of the former.
 */
export function envDetector(
  environment: Readonly<Record<string, string | undefined>>,
  allowed: readonly string[] | undefined,
): Detector {
  return {
    name: 'env',
    async detect() {
      const written = environment['OTEL_RESOURCE_ATTRIBUTES']?.trim() || environment['OTEL_RESOURCE']?.trim() || ''
      const attributes = parseResourceAttributes(written)
      const service = environment['OTEL_SERVICE_NAME']?.trim()
      if (service) attributes.set('service.name', service)
      for (const key of attributes.keys()) if (allowed && !allowed.includes(key)) attributes.delete(key)
      return { attributes, missing: [] }
    },
  }
}

/** Throws where `text` is not a list of `key=value` separated by commas. */
export function parseResourceAttributes(text: string): Map<string, Value> {
  const attributes = new Map<string, Value>()
  const pairs = text.trim() === '' ? [] : text.split(',')
  if (pairs.length > MAX_ATTRIBUTES)
    throw new Error(`OTEL_RESOURCE_ATTRIBUTES has more than ${MAX_ATTRIBUTES} attributes`)
  for (const [index, pair] of pairs.entries()) {
    // A comma at the end is nothing to fail for.
    if (pair.trim() === '' && index === pairs.length - 1) continue
    const equals = pair.indexOf('=')
    const key = decode(pair.slice(0, Math.max(equals, 0)).trim(), pair)
    if (key === '') throw new Error(`invalid resource format, invalid text: "${pair}" (want key=value)`)
    attributes.set(key, decode(pair.slice(equals + 1).trim(), pair))
  }
  return attributes
}

function decode(text: string, pair: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    throw new Error(`invalid resource format in attribute: "${pair}" is not percent-encoded UTF-8`, { cause: error })
  }
}
