import { posix } from 'node:path'
import { glob } from './glob.ts'
import type { MatcherOptions, PortRange, SelectionOptions } from './selection-options.ts'
import { portRange } from './selection-options.ts'

/** What a matcher may ask of a process. What costs something is asked for only where a matcher names it. */
export interface Candidate {
  readonly pid: number
  readonly name: string
  readonly executable: string | undefined
  /** Path in the hierarchy of cgroup2. */
  readonly cgroup: string | undefined
  readonly container: string | undefined
  readonly environment: ReadonlyMap<string, string>
  /** TCP ports that it listens on. */
  readonly ports: ReadonlySet<number>
}

const NO_VARIABLES: ReadonlyMap<string, string> = new Map()

type Fits = (process: Candidate) => boolean

/**
 * Which processes are traced: those that a matcher of `include` fits (all, where there is none), without those that one of `exclude` fits.
 * Telegen itself is left out by the table, which knows it: with its process go the connections of its exporters.
 */
export class Selection {
  readonly #include: readonly Fits[]
  readonly #exclude: readonly Fits[]
  readonly #variables: ReadonlySet<string>
  /** Whether all are traced. */
  readonly isEverything: boolean
  /** Whether what a process listens on has a say, so that it has to be looked at again. */
  readonly asksPorts: boolean

  constructor({ include, exclude }: SelectionOptions) {
    this.#include = include.map(fits)
    this.#exclude = exclude.map(fits)
    this.isEverything = include.length === 0 && exclude.length === 0
    const all = [...include, ...exclude]
    this.asksPorts = all.some(({ ports = [] }) => ports.length > 0)
    this.#variables = new Set(all.flatMap(({ environment = {} }) => Object.keys(environment)))
  }

  /** Those that matchers ask for: others may hold secrets, and nobody has to keep them. */
  variablesOf(environment: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
    if (this.#variables.size === 0) return NO_VARIABLES
    return new Map([...environment].filter(([name]) => this.#variables.has(name)))
  }

  admits(process: Candidate): boolean {
    const isIncluded = this.#include.length === 0 || this.#include.some((each) => each(process))
    return isIncluded && !this.#exclude.some((each) => each(process))
  }
}

/** Cheap questions first: most processes fail one of them. */
function fits(matcher: MatcherOptions): Fits {
  const { pids, names, executables, cgroups, container_ids, ports, environment } = matcher
  const questions: Fits[] = []
  if (pids?.length) {
    const wanted = new Set(pids)
    questions.push(({ pid }) => wanted.has(pid))
  }
  if (names?.length) questions.push(fitsName(names))
  if (executables?.length) questions.push(on('path', executables, ({ executable }) => executable))
  if (cgroups?.length) questions.push(on('path', cgroups, ({ cgroup }) => cgroup))
  if (container_ids?.length) questions.push(fitsContainer(container_ids))
  if (ports?.length) questions.push(fitsPorts(ports))
  for (const [name, source] of Object.entries(environment ?? {}))
    questions.push(on('text', [source], (process) => process.environment.get(name)))
  return (process) => questions.every((each) => each(process))
}

function on(of: 'path' | 'text', sources: readonly string[], text: (process: Candidate) => string | undefined): Fits {
  const globs = sources.map((source) => glob(source, of))
  return (process) => {
    const found = text(process)
    return found !== undefined && globs.some((each) => each(found))
  }
}

function fitsName(sources: readonly string[]): Fits {
  const globs = sources.map((source) => glob(source, 'text'))
  return ({ name, executable }) => {
    const names = executable === undefined ? [name] : [name, posix.basename(executable)]
    return names.some((text) => globs.some((each) => each(text)))
  }
}

/** What `docker ps` shows. Shorter beginnings would be of many. */
const SHORT_ID = 12

function fitsContainer(sources: readonly string[]): Fits {
  return on(
    'text',
    sources.map((source) => (new RegExp(`^[0-9a-f]{${SHORT_ID},63}$`).test(source) ? `${source}*` : source)),
    ({ container }) => container,
  )
}

function fitsPorts(written: readonly (number | string)[]): Fits {
  const ranges = written.map(portRange).filter((range): range is PortRange => range !== undefined)
  return ({ ports }) => [...ports].some((port) => ranges.some(({ first, last }) => port >= first && port <= last))
}
