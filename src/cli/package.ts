import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Package {
  readonly description: string
  readonly version: string
}

/** Telegen's own folder, two up from the source as from what is built of it. */
export const ownFolder = (): string => resolve(fileURLToPath(new URL('../..', import.meta.url)))

/** Telegen's own package.json. */
export const ownPackage = (): Package =>
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Package
