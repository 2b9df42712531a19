import { readFileSync } from 'node:fs'

interface Package {
  readonly description: string
  readonly version: string
}

/** Telegen's own package.json, two folders up from the source as from what is built of it. */
export const ownPackage = (): Package =>
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Package
