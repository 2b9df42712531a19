import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'

/** Why a row that needs these programs, and root, cannot run here; undefined where it can. */
export function missing(...programs: readonly string[]): string | undefined {
  const absent = programs.filter((program) => spawnSync('which', [program]).status !== 0)
  if (absent.length > 0) return `${absent.join(', ')} not here`
  return process.getuid?.() === 0 ? undefined : 'needs root'
}

/** Runs a program to its end and returns what it wrote; throws with its words where it fails. */
export function sh(program: string, ...words: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, words, { encoding: 'utf8' })
  if (error || status !== 0) throw new Error(`${program} ${words.join(' ')}: ${error?.message ?? stderr.trim()}`)
  return stdout.trim()
}

/** Memory as a disk of a given size, at a folder that is made. */
export function mountMemory(at: string, mebibytes: number): () => void {
  mkdirSync(at, { recursive: true })
  sh('mount', '-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', at)
  return once(() => void sh('umount', at))
}

/** A new file system in `image`; nothing goes there by itself within the minutes of a row, only what is synced. */
export function makeImage(image: string, mebibytes: number): void {
  sh('truncate', '-s', `${mebibytes}M`, image)
  sh('mkfs.ext4', '-q', image)
}

/** Mounts an image at a folder that is made. `device` is its block device. */
export function mountImage(image: string, at: string, options = 'commit=600'): { device: string; unmount: () => void } {
  mkdirSync(at, { recursive: true })
  const device = sh('losetup', '--find', '--show', image)
  // A loop device keeps that from whoever had it before.
  sh('blockdev', '--setrw', device)
  try {
    sh('mount', '-o', options, device, at)
  } catch (error) {
    sh('losetup', '-d', device)
    throw error
  }
  const unmount = once(() => {
    sh('umount', at)
    sh('losetup', '-d', device)
  })
  return { device, unmount }
}

/** Called again, it does nothing. */
function once(work: () => void): () => void {
  let done = false
  return () => {
    if (done) return
    done = true
    work()
  }
}
