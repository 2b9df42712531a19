import type { OptionFault } from '../component/definition.ts'
import { Type } from '../component/options.ts'
import type { Secret } from '../component/options.ts'

type Path = readonly (string | number)[]

/** A key that the Collector has and Telegen has not: files may carry it unset, and `unbuilt` refuses it when set. */
export const Unbuilt = (description: string) =>
  Type.Optional(Type.Unknown({ description: `${description} Not available yet.` }))

/** A key of the Collector that tunes what Telegen does another way: taken, and without effect. */
export const Ignored = (description: string) =>
  Type.Optional(Type.Unknown({ description: `${description} Taken for the Collector's sake; without effect here.` }))

/** A fault for each of `keys` that somebody has set, as ignoring it would do something else than the file says. */
export function* unbuilt(options: object, path: Path, keys: Readonly<Record<string, string>>): Generator<OptionFault> {
  for (const [key, what] of Object.entries(keys)) {
    if (isSet((options as Record<string, unknown>)[key]))
      yield { path: [...path, key], message: `${what} not available yet` }
  }
}

/** Empty lists and mappings, `false` and 0 ask for nothing. */
function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return false
  return typeof value !== 'object' || Object.keys(value).length > 0
}

/** The sentence that `parse` throws, as a fault at `path`; nothing where it throws none. */
export function* faultOf(path: Path, parse: () => unknown): Generator<OptionFault> {
  try {
    parse()
  } catch (error) {
    yield { path, message: (error as Error).message }
  }
}

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const HEADER_VALUE = /^[\t\x20-\x7e]*$/

/** With `obs-text`: any byte beyond ASCII, each as a character. */
const OPAQUE_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** Whether a request of HTTP can carry it (RFC 9110, 5.5): a value of UTF-8 has a character for each of its bytes. */
export const isHttpHeader = (name: string, value: string): boolean => HEADER_NAME.test(name) && OPAQUE_VALUE.test(value)

/** Whether a request of gRPC can carry it. Values of its `-bin` keys may be anything. */
export const isHeader = (name: string, value: string): boolean =>
  HEADER_NAME.test(name) && (HEADER_VALUE.test(value) || isBinary(name))

const isBinary = (name: string): boolean => name.toLowerCase().endsWith('-bin')

/** A fault for each header that no request could carry (RFC 9110, 5.5), without its value. */
export function* checkHeaders(
  headers: ReadonlyMap<string, Secret>,
  path: Path,
  over: 'http' | 'grpc',
): Generator<OptionFault> {
  for (const [name, value] of headers) {
    if (!HEADER_NAME.test(name)) yield { path, message: `"${name}" is not the name of a header` }
    if (!HEADER_VALUE.test(value.reveal()) && !(over === 'grpc' && isBinary(name)))
      yield { path, message: `header "${name}" has characters that no header may have` }
  }
}
