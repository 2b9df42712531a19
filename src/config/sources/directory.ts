import { readdirSync, statSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { join, resolve } from 'node:path'
import { error, FaultError } from '../fault.ts'
import type { Place } from '../place.ts'

/** Configuration files in one folder. */
export const MAX_FILES = 100

/**
 * The files of a `conf.d` folder that are read, in the order of their names: `*.yaml` and `*.yml`, none that is hidden, none
 * in folders further down. Undefined where the path is no folder, and where nobody knows what it is: reading it tells why.
 */
export function filesOf(path: string, directory: string, place: Place): readonly string[] | undefined {
  const folder = resolve(directory, path)
  if (!found(folder)?.isDirectory()) return undefined
  const files = namesIn(folder, path, place)
    .filter((name) => isConfiguration(folder, name))
    .sort()
  if (files.length === 0) throw refuse('empty_folder', `${path} holds no *.yaml and no *.yml file`, place)
  if (files.length > MAX_FILES)
    throw refuse('too_many_sources', `${path} holds ${files.length} files, more than ${MAX_FILES}`, place)
  return files.map((name) => join(path, name))
}

function namesIn(folder: string, path: string, place: Place): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (thrown) {
    throw refuse('unreadable_file', `cannot read the folder ${path}: ${(thrown as Error).message}`, place)
  }
}

/** A pipe is none, nobody may ever write to it; nor is a link to `/dev/null`. What a broken link is, reading it tells. */
const isConfiguration = (folder: string, name: string): boolean =>
  /^[^.].*\.ya?ml$/i.test(name) && found(join(folder, name))?.isFile() !== false

function found(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

const refuse = (code: string, reason: string, place: Place): FaultError =>
  new FaultError(error({ code, message: `cannot retrieve the configuration: ${reason}`, path: '', place }))
