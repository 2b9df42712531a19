import { readFileSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Context } from './context.ts'
import type { OptionFault } from './definition.ts'

/** What a file with credentials may hold, in bytes: tokens of a line each, password entries of a few thousand users. */
const MOST_BYTES = 1024 * 1024
/** How often the file is looked at, in milliseconds. Reading it finds what no notification tells: mounts whose links are swapped. */
const LOOK_INTERVAL = 1000

export interface CredentialsFileOptions extends Pick<Context, 'clock' | 'log'> {
  readonly path: string
  /** Told of the first content and of every new one, without the white space around it. */
  readonly onContent: (content: string) => void
}

/** A file with credentials, read again when it changes. What it held last stays where it cannot be read, or is empty. */
export class CredentialsFile {
  readonly #options: CredentialsFileOptions
  #content: string | undefined
  #timer: { cancel(): void } | undefined
  #isReading = false
  #isFailing = false

  constructor(options: CredentialsFileOptions) {
    this.#options = options
  }

  /** Reads it for the first time; rejects where that fails, without its content in the message. */
  async start(): Promise<void> {
    this.#take(await read(this.#options.path))
    this.#timer = this.#options.clock.every(LOOK_INTERVAL, () => void this.#look())
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #take(content: string): void {
    if (content === this.#content) return
    this.#content = content
    this.#options.onContent(content)
  }

  async #look(): Promise<void> {
    if (this.#isReading) return
    this.#isReading = true
    const { path, log } = this.#options
    try {
      const content = await read(path)
      if (this.#timer === undefined) return
      if (content !== this.#content) log.info({ path }, 'The credentials file has changed')
      this.#take(content)
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing)
        log.warn({ path, error: (error as Error).message }, 'The credentials file is unusable; what it held last stays')
      this.#isFailing = true
    } finally {
      this.#isReading = false
    }
  }
}

/** What `inspect` finds: nothing where the file can be read and holds something. */
export function* inspectCredentialsFile(file: string, path: OptionFault['path']): Generator<OptionFault> {
  try {
    usable(statSync(file).size > MOST_BYTES ? undefined : readFileSync(file))
  } catch (error) {
    yield { path, message: sentence(file, error) }
  }
}

async function read(path: string): Promise<string> {
  try {
    const file = await open(path)
    try {
      const { size } = await file.stat()
      return usable(size > MOST_BYTES ? undefined : await file.readFile())
    } finally {
      await file.close()
    }
  } catch (error) {
    throw new Error(sentence(path, error), { cause: error })
  }
}

class Unusable extends Error {}

/** `bytes`: undefined where there are too many. */
function usable(bytes: Buffer | undefined): string {
  if (bytes === undefined) throw new Unusable(`it is longer than ${MOST_BYTES} bytes`)
  const content = bytes.toString().trim()
  if (content === '') throw new Unusable('it is empty')
  return content
}

const sentence = (path: string, error: unknown): string =>
  `failed to read credentials file "${path}": ${error instanceof Unusable ? error.message : reasonOf(error)}`

const reasonOf = (error: unknown): string => {
  const { code = '', message } = error as NodeJS.ErrnoException
  return REASONS[code] ?? message
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
}
