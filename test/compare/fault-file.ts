/** What a file of `validation/` may say: one document for each way to be wrong. */
import { readdirSync, readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'

/** One way to be wrong. The configuration is `config.yaml`, and given by `--config` where `arguments` do not say otherwise. */
export interface Fault {
  readonly name: string
  readonly config?: string
  readonly files?: Readonly<Record<string, string>>
  readonly arguments?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** What the Collector says, without what stands around it; both must say it. */
  readonly says: string
  /** What Telegen says instead, or that it finds nothing wrong, where docs/differences.md has a reason for it. */
  readonly telegen?: { readonly id: string; readonly says?: string; readonly accepts?: boolean }
  /** `line:column` of `config.yaml` for each error that Telegen has, or the file that is wrong as a whole; `nowhere` where no file is. */
  readonly at: string | readonly string[]
  /** The Collector finds it when it starts, not in `validate`. */
  readonly collector_starts?: boolean
  /** Nobody can find it before the start: both are started. Somebody else listens on the port `${env:TAKEN}`. */
  readonly starts?: boolean
}

const KEYS = new Set([
  'name',
  'config',
  'files',
  'arguments',
  'environment',
  'says',
  'telegen',
  'at',
  'collector_starts',
  'starts',
])
const folder = `${import.meta.dirname}/validation`

export const faultFiles = (): string[] => readdirSync(folder).sort()

export function faultsIn(file: string): Fault[] {
  return parseAllDocuments(readFileSync(`${folder}/${file}`, 'utf8')).map((document) => {
    const fault = document.toJS() as Fault
    for (const key of Object.keys(fault)) if (!KEYS.has(key)) throw new Error(`${file}: a fault has no "${key}"`)
    return fault
  })
}
