import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Unavailable } from './loader.ts'

/** `socket/tp_btf`: nothing that leads out of the folder, whoever asks. */
const NAME = /^[a-z0-9_]+(\/[a-z0-9_]+)*$/

/** The bytes of a compiled object below `bpf/` of the native part. Throws `Unavailable` where it is not there. */
export function readObject(folder: string, name: string): Uint8Array {
  if (!NAME.test(name)) throw new Unavailable(`${JSON.stringify(name)} is no name of an object`)
  const file = join(folder, 'bpf', `${name}.bpf.o`)
  if (!existsSync(file)) throw new Unavailable(`${file} is missing: scripts/build-native makes it`)
  return readFileSync(file)
}
