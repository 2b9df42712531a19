import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Random } from './random.ts'
import { Finding } from './target.ts'
import type { Target } from './target.ts'

export interface CampaignOptions {
  readonly seed: number
  /** Milliseconds. */
  readonly duration: number
  /** Inputs after which it ends before that time. */
  readonly most?: number
  /** Where inputs that broke something are kept; undefined: they are not. */
  readonly folder?: string | undefined
  /** The first input's number. */
  readonly first?: number
  readonly print: (line: string) => void
}

export interface Campaign {
  readonly execs: number
  /** Inputs a second. */
  readonly rate: number
  readonly findings: readonly Found[]
}

export interface Found {
  readonly kind: string
  readonly message: string
  readonly exec: number
  /** Simplified, as text. */
  readonly input: string
}

/** Distinct findings after which a run ends. */
const MOST_FINDINGS = 10
/** Inputs before a finding that are tried for its cause, where its own does not provoke it again. */
const SUSPECTS = 64
/** How long they are tried, in milliseconds. */
const LOOKING = 120_000
const MOST_SIMPLIFICATIONS = 300
const SIMPLIFYING = 20_000
const REPORT_EVERY = 30_000

/** Runs inputs of a target until the time is over, and tells what broke, each once and simplified. */
export async function campaign<Input>(target: Target<Input>, options: CampaignOptions): Promise<Campaign> {
  const running = new Running(target, options)
  await target.open()
  const began = performance.now()
  try {
    await running.until(began + options.duration)
  } finally {
    await running.guarded(() => target.close())
  }
  const seconds = (performance.now() - began) / 1000
  return { execs: running.execs, rate: running.execs / seconds, findings: running.findings }
}

/** Runs one input alone. */
export async function replay<Input>(target: Target<Input>, input: Input): Promise<Finding | undefined> {
  await target.open()
  let finding: Finding | undefined
  const note = (thrown: unknown) => void (finding ??= Finding.from(thrown))
  await target.run(input).catch(note)
  await target.settled().catch(note)
  await target.close().catch(note)
  return finding
}

class Running<Input> {
  execs = 0
  readonly findings: Found[] = []
  readonly #target: Target<Input>
  readonly #options: CampaignOptions
  readonly #known = new Set<string>()
  #recent: { readonly exec: number; readonly input: Input }[] = []
  #nextReport = 0

  constructor(target: Target<Input>, options: CampaignOptions) {
    this.#target = target
    this.#options = options
  }

  async until(deadline: number): Promise<void> {
    const began = performance.now()
    this.#nextReport = began + REPORT_EVERY
    const { most = Infinity } = this.#options
    while (performance.now() < deadline && this.execs < most && this.findings.length < MOST_FINDINGS) {
      const stretch = Math.min(deadline, this.#nextReport)
      const finding = await this.#stretch(stretch)
      if (finding) await this.#look(finding)
      if (performance.now() < this.#nextReport) continue
      this.#nextReport = performance.now() + REPORT_EVERY
      const seconds = (performance.now() - began) / 1000
      this.#options.print(`${this.execs} inputs, ${Math.round(this.execs / seconds)}/s, ${this.#target.told()}`)
    }
  }

  /** Calls, and takes what it rejects with for a finding of the run as a whole. */
  async guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (thrown) {
      await this.#keep(Finding.from(thrown), this.execs, undefined)
    }
  }

  /** Runs inputs, several at once, until the time, the next settling or a finding; then waits for those under way. */
  async #stretch(deadline: number): Promise<Finding | undefined> {
    let finding: Finding | undefined
    let left = Math.min(this.#target.settleEvery, (this.#options.most ?? Infinity) - this.execs)
    const lane = async (): Promise<void> => {
      while (!finding && left > 0 && performance.now() < deadline) {
        left--
        const exec = (this.#options.first ?? 0) + this.execs++
        const input = this.#target.make(Random.of(this.#options.seed, exec))
        this.#recent.push({ exec, input })
        if (this.#recent.length > SUSPECTS) this.#recent.shift()
        try {
          await this.#target.run(input)
        } catch (thrown) {
          finding ??= Finding.from(thrown)
        }
      }
    }
    await Promise.all(Array.from({ length: this.#target.parallel }, lane))
    if (finding) return finding
    try {
      await this.#target.settled()
      return undefined
    } catch (thrown) {
      return Finding.from(thrown)
    }
  }

  /** Finds the input that a finding comes of, simplifies it, and starts again. */
  async #look(finding: Finding): Promise<void> {
    const suspects = this.#recent.toReversed()
    this.#recent = []
    await this.#target.reopen()
    if (this.#known.has(finding.kind)) return
    this.#options.print(`BROKEN at input ${suspects[0]?.exec}: ${finding.kind}; looking for the input`)
    const deadline = performance.now() + LOOKING
    for (const { exec, input } of suspects) {
      if (performance.now() > deadline) break
      if (!(await this.#provokes(input, finding.kind))) continue
      return this.#keep(finding, exec, await this.#simplest(input, finding.kind))
    }
    await this.#keep(finding, suspects[0]?.exec ?? 0, undefined)
  }

  async #provokes(input: Input, kind: string): Promise<boolean> {
    try {
      await this.#target.run(input)
      await this.#target.settled()
      return false
    } catch (thrown) {
      await this.#target.reopen()
      return Finding.from(thrown).kind === kind
    }
  }

  async #simplest(input: Input, kind: string): Promise<Input> {
    const deadline = performance.now() + SIMPLIFYING
    let tries = MOST_SIMPLIFICATIONS
    for (let improved = true; improved;) {
      improved = false
      for (const smaller of this.#target.smaller(input)) {
        if (--tries < 0 || performance.now() > deadline) return input
        if (!(await this.#provokes(smaller, kind))) continue
        input = smaller
        improved = true
        break
      }
    }
    return input
  }

  async #keep(finding: Finding, exec: number, input: Input | undefined): Promise<void> {
    this.#known.add(finding.kind)
    const text = input === undefined ? '' : this.#target.text(input)
    this.findings.push({ kind: finding.kind, message: finding.message, exec, input: text })
    const { folder, seed, print } = this.#options
    print(`BROKEN: ${finding.kind}\n${finding.message}\n--seed ${seed} --first ${exec}`)
    if (input === undefined) return print('no single input provokes it again')
    if (folder === undefined) return print(text)
    await mkdir(folder, { recursive: true })
    const file = join(folder, `${this.#target.name}-${seed}-${exec}.txt`)
    await writeFile(file, text)
    print(`kept: ${file} (npm run fuzz -- ${this.#target.name} --input ${file})`)
  }
}
