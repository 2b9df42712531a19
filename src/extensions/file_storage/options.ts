import { statSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { ByteSize, Duration, Ignored, Options, Type } from '../../plugin.ts'
import type { OptionFault, Static } from '../../plugin.ts'

const MIB = 1024 * 1024

export const options = Options({
  directory: Type.String({
    default: '/var/lib/telegen/storage',
    description: 'Where everything is kept. One process at a time has it.',
  }),
  create_directory: Type.Boolean({ default: true, description: 'Whether a directory that is missing is made.' }),
  directory_permissions: Type.String({ default: '0750', description: 'Of a directory that is made, in octal.' }),
  timeout: Duration({
    default: '1s',
    description: 'How long to wait at the start for another process to let go of the directory.',
  }),
  fsync: Type.Boolean({
    default: true,
    description:
      'Whether what is acknowledged is on the disk. Off, it survives the end of the process, however it comes, and not that of the machine.',
  }),
  max_size: ByteSize({
    default: '10GiB',
    minimum: MIB,
    description: 'The most that the whole directory takes; then appends are refused until something is delivered.',
  }),
  segment_size: ByteSize({
    default: '64MiB',
    minimum: 64 * 1024,
    description: 'Size of the files of a queue. A file is removed when all of it is delivered.',
  }),
  recreate: Ignored('Whether a damaged file is put aside at the start; damage here costs the records that it hit.'),
  compaction: Ignored('How files are made smaller; they are removed here when they are delivered.'),
})
export type FileStorageConfig = Static<typeof options>

/** A segment takes at most this share of `max_size`, so that delivering makes room. */
const SEGMENTS_AT_LEAST = 4

export const segmentBytesOf = ({ max_size, segment_size }: FileStorageConfig): number =>
  Math.min(segment_size, Math.floor(max_size / SEGMENTS_AT_LEAST))

export function* faults({
  directory,
  directory_permissions,
  timeout,
  segment_size,
}: FileStorageConfig): Iterable<OptionFault> {
  if (directory === '') yield { path: ['directory'], message: 'directory must be non-empty' }
  if (!/^0?[0-7]{3}$/.test(directory_permissions))
    yield {
      path: ['directory_permissions'],
      message: 'directory_permissions value must be a valid octal representation',
    }
  if (timeout < 0) yield { path: ['timeout'], message: 'timeout must not be negative' }
  if (segment_size > MAX_SEGMENT_BYTES)
    yield { path: ['segment_size'], message: `segment_size must not be above ${MAX_SEGMENT_BYTES / MIB}MiB` }
}

/** Places in a segment are checksummed as numbers of 32 bits, and a record that is larger than a segment has one to itself. */
const MAX_SEGMENT_BYTES = 1024 * MIB

export function* inspect({ directory, create_directory }: FileStorageConfig): Iterable<OptionFault> {
  let found: Stats | undefined
  try {
    found = statSync(directory, { throwIfNoEntry: false })
  } catch (error) {
    // A name that no file can have, or a folder above it that is closed to us.
    return yield { path: ['directory'], message: `directory cannot be looked at: ${(error as Error).message}` }
  }
  if (found && !found.isDirectory()) yield { path: ['directory'], message: `${directory} is not a directory` }
  if (!found && !create_directory)
    yield {
      path: ['directory'],
      message: `directory must exist: stat ${directory}: no such file or directory. You can enable the create_directory option to automatically create it`,
    }
}
