import { readdir, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import type { Rotation } from './options.ts'

/** Files put aside within one millisecond get the next free ones. */
const NAME_TRIES = 1000
const DAY_MS = 24 * 60 * 60 * 1000

/** Gives the file the name of a backup: `data-2026-01-02T03-04-05.678.json`, as lumberjack names them in the Collector. */
export async function putAside(path: string, { localtime }: Rotation, now: number): Promise<void> {
  for (let at = now; at < now + NAME_TRIES; at++) {
    const backup = backupName(path, at, localtime)
    if (await exists(backup)) continue
    return rename(path, backup)
  }
  throw new Error(`no name is free for a backup of ${path}`)
}

/** Deletes backups that are too old or too many. */
export async function prune(path: string, rotation: Rotation, now: number): Promise<void> {
  const { max_days, max_backups, localtime } = rotation
  if (max_days === 0 && max_backups === 0) return
  const directory = dirname(path)
  const backups = (await readdir(directory))
    .map((name) => ({ name, time: backupTime(path, name, localtime) }))
    .filter((backup): backup is { name: string; time: number } => backup.time !== undefined)
    .toSorted((left, right) => right.time - left.time)
  const kept = max_backups === 0 ? backups.length : max_backups
  const oldest = max_days === 0 ? -Infinity : now - max_days * DAY_MS
  for (const [index, { name, time }] of backups.entries())
    if (index >= kept || time < oldest) await unlink(join(directory, name))
}

function backupName(path: string, time: number, localtime: boolean): string {
  const extension = extname(path)
  const name = basename(path, extension)
  return join(dirname(path), `${name}-${stampOf(time, localtime)}${extension}`)
}

/** When a file was put aside; undefined for any other file. */
function backupTime(path: string, name: string, localtime: boolean): number | undefined {
  const extension = extname(path)
  const prefix = `${basename(path, extension)}-`
  if (!name.startsWith(prefix) || !name.endsWith(extension)) return undefined
  const stamp = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})$/.exec(
    name.slice(prefix.length, name.length - extension.length),
  )
  if (stamp === null) return undefined
  const [, day, hours, minutes, seconds] = stamp
  const time = Date.parse(`${day}T${hours}:${minutes}:${seconds}${localtime ? '' : 'Z'}`)
  return Number.isNaN(time) ? undefined : time
}

function stampOf(time: number, localtime: boolean): string {
  const date = new Date(time)
  const shown = localtime ? new Date(time - date.getTimezoneOffset() * 60_000) : date
  return shown.toISOString().slice(0, -1).replaceAll(':', '-')
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
