import { Fields, unescapeOctal } from '../fields.ts'

export const MAX_MOUNTS = 65_536

export interface Mount {
  readonly device: string
  readonly mountpoint: string
  readonly type: string
  readonly mode: 'rw' | 'ro'
  /** `8:1`, what stat(2) of the mount point tells as its device. */
  readonly number: string
}

/**
 * Reads /proc/<pid>/mountinfo (proc_pid_mountinfo(5)): `36 35 98:0 /root /mount/point rw,noatime shared:1 - ext4 /dev/sda1 rw`.
 * Of several mounts on one mount point the last one counts, which hides the others.
 */
export function parseMounts(buffer: Buffer): readonly Mount[] {
  const mounts = new Map<string, Mount>()
  const fields = new Fields(buffer)
  while (fields.nextLine() && mounts.size < MAX_MOUNTS) {
    const number = fields.skip(2).word()
    const mountpoint = fields.skip(1).word()
    const options = fields.word()?.split(',')
    if (fields.upTo(' - ') === undefined) continue
    const type = fields.word()
    const device = fields.word()
    if (number === undefined || mountpoint === undefined || options === undefined) continue
    if (type === undefined || device === undefined) continue
    const path = unescapeOctal(mountpoint)
    const mode = options.includes('ro') ? 'ro' : 'rw'
    mounts.delete(path)
    mounts.set(path, { device: unescapeOctal(device), mountpoint: path, type, mode, number })
  }
  return [...mounts.values()]
}

/** Types that need a disk, from /proc/filesystems: those without `nodev`, and ZFS, which brings its own devices. */
export function parseDiskTypes(buffer: Buffer): ReadonlySet<string> {
  const types = new Set(['zfs'])
  const fields = new Fields(buffer)
  while (fields.nextLine()) {
    const first = fields.word()
    if (first !== undefined && first !== 'nodev') types.add(first)
  }
  return types
}
