import { accessSync, constants } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../plugin.ts'

const LOCK = 'lock'
const OWNER = 'owner.json'
const TRY_AGAIN_MS = 50
const SQLITE_BUSY = 5

interface Owner {
  readonly pid: number
  readonly host: string
  readonly extension: string
  /** ISO 8601. */
  readonly since: string
}

/**
 * The one process that may have the directory. The lock is the kernel's (`fcntl`, which SQLite sets on a file that stays empty): it ends
 * with the process, however that ends, holds between containers that share the directory, and is known within the process too. Nothing
 * else may open the file `lock`: closing it would let go.
 */
export class DirectoryLock {
  readonly #directory: string
  #database: DatabaseSync | undefined

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Rejects after `timeout` milliseconds, naming who has it. */
  async take(extension: string, timeout: number, clock: Clock): Promise<void> {
    const Database = sqlite()
    const deadline = clock.monotonic() + timeout
    while (!this.#try(Database)) {
      if (clock.monotonic() >= deadline) throw new Error(await this.#refusal())
      await clock.sleep(TRY_AGAIN_MS)
    }
    const owner: Owner = { pid: process.pid, host: hostname(), extension, since: new Date(clock.now()).toISOString() }
    // It serves people alone, and a full disk is no reason not to start.
    await writeFile(this.#path(OWNER), `${JSON.stringify(owner)}\n`, { mode: 0o600 }).catch(() => undefined)
  }

  release(): void {
    this.#database?.close()
    this.#database = undefined
  }

  #try(Database: typeof DatabaseSync): boolean {
    let database: DatabaseSync | undefined
    try {
      database = new Database(this.#path(LOCK))
      database.exec('BEGIN EXCLUSIVE')
    } catch (error) {
      database?.close()
      if ((error as { errcode?: unknown }).errcode === SQLITE_BUSY) return false
      throw this.#unlockable(error as Error)
    }
    this.#database = database
    return true
  }

  /** SQLite does not say why a file cannot be opened; the system does. */
  #unlockable(error: Error): Error {
    let reason = error.message
    try {
      accessSync(this.#directory, constants.R_OK | constants.W_OK | constants.X_OK)
    } catch (denied) {
      reason = (denied as Error).message
    }
    return new Error(`the storage in ${this.#directory} cannot be used: ${reason}`, { cause: error })
  }

  async #refusal(): Promise<string> {
    const owner = await this.#owner()
    const who = owner
      ? `process ${owner.pid} on ${owner.host} (${owner.extension}, since ${owner.since})`
      : 'another process'
    return `${this.#directory} is used by ${who}: a directory has one user at a time; end it, or give this one a directory of its own`
  }

  async #owner(): Promise<Owner | undefined> {
    try {
      return JSON.parse(await readFile(this.#path(OWNER), 'utf8')) as Owner
    } catch {
      return undefined
    }
  }

  #path(name: string): string {
    return join(this.#directory, name)
  }
}

/** Loaded when it is needed. Node 22 warns of it, which is nothing that a user could act on. */
function sqlite(): typeof DatabaseSync {
  const emitWarning = process.emitWarning.bind(process)
  process.emitWarning = (warning: string | Error, ...rest: never[]) => {
    if (!String(warning).includes('SQLite')) emitWarning(warning, ...rest)
  }
  try {
    return process.getBuiltinModule('node:sqlite').DatabaseSync
  } finally {
    process.emitWarning = emitWarning
  }
}
