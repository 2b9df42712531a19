import { Options, Type } from '../../../plugin.ts'
import type { Space } from '../filesystem-space.ts'
import { isRemote, processInspector } from '../filesystem-space.ts'
import { exact } from '../count.ts'
import type { MetricDefinition, MetricTable, Recorder } from '../metric.ts'
import { metricSwitches } from '../metric.ts'
import type { Mount } from '../proc/mounts.ts'
import { parseDiskTypes, parseMounts } from '../proc/mounts.ts'
import type { Host, Scraper } from '../scraper.ts'
import type { Names } from '../selection.ts'
import { namesOption, selection } from '../selection.ts'

const amount = (unit: string, isOn: boolean, description: string): MetricDefinition => ({
  kind: 'up_down_counter',
  unit,
  value: 'int',
  enabled: isOn,
  description,
})

/** Inodes are the Collector's; the conventions have none. */
export const filesystemMetrics = {
  'system.filesystem.usage': amount('By', true, "Reports a filesystem's space usage across different states."),
  'system.filesystem.inodes.usage': amount('{inodes}', true, 'Inodes by state.'),
  'system.filesystem.limit': amount('By', false, 'The total storage capacity of the filesystem.'),
  'system.filesystem.utilization': {
    kind: 'gauge',
    unit: '1',
    value: 'double',
    enabled: false,
    description: "Share of the filesystem's space by state.",
  },
} satisfies MetricTable

export const filesystemOptions = Options(
  {
    metrics: metricSwitches(filesystemMetrics),
    include_devices: namesOption('devices', 'devices to report'),
    exclude_devices: namesOption('devices', 'devices to leave out'),
    include_fs_types: namesOption('fs_types', 'filesystem types to report'),
    exclude_fs_types: namesOption('fs_types', 'filesystem types to leave out'),
    include_mount_points: namesOption('mount_points', 'mount points to report'),
    exclude_mount_points: namesOption('mount_points', 'mount points to leave out'),
    include_virtual_filesystems: Type.Boolean({
      default: false,
      description: 'Reports filesystems without a disk too, such as tmpfs, overlay and NFS.',
    }),
  },
  { description: 'Space of filesystems.' },
)

interface FilesystemOptions {
  readonly include_devices?: Names
  readonly exclude_devices?: Names
  readonly include_fs_types?: Names
  readonly exclude_fs_types?: Names
  readonly include_mount_points?: Names
  readonly exclude_mount_points?: Names
  readonly include_virtual_filesystems: boolean
}

/** Reads the mount table, and asks each filesystem. */
export function filesystem({ files, clock, options }: Host<FilesystemOptions>, inspector = processInspector): Scraper {
  const isSelectedDevice = selection('devices', options.include_devices, options.exclude_devices)
  const isSelectedType = selection('fs_types', options.include_fs_types, options.exclude_fs_types)
  const isSelectedMountpoint = selection('mount_points', options.include_mount_points, options.exclude_mount_points)
  // A container that sees the host's files under root_path has a mount table of its own: the host's is that of its first process.
  const tableOf = files.root === '' ? 'self' : '1'
  return async (abort) => {
    const types = options.include_virtual_filesystems
      ? undefined
      : parseDiskTypes(await files.read('/proc/filesystems', abort))
    const mounts = parseMounts(await files.read(`/proc/${tableOf}/mountinfo`, abort)).filter(
      (mount) =>
        // Asking an automounter would mount what nobody uses.
        mount.type !== 'autofs' &&
        (types === undefined || types.has(mount.type)) &&
        isSelectedType(mount.type) &&
        isSelectedDevice(mount.device) &&
        isSelectedMountpoint(mount.mountpoint),
    )
    const answers: (readonly [Mount, Space | Error])[] = []
    // One after another, and remote ones last, so that those that hang keep as few threads and others as little time as can be.
    for (const mount of [...mounts.filter((one) => !isRemote(one)), ...mounts.filter(isRemote)]) {
      abort.throwIfAborted()
      // Subvolumes of btrfs have device numbers that the mount table does not know.
      const device = files.root === '' || mount.type === 'btrfs' ? undefined : mount.number
      const answer = inspector.inspect(files.path(mount.mountpoint), mount, clock, device)
      answers.push([mount, await answer.catch((error: Error) => error)])
    }
    return (to) => {
      for (const [mount, answer] of answers) {
        if (answer instanceof Error) to.fault(answer.message)
        else addFilesystem(to, mount, answer)
      }
    }
  }
}

/** Filesystems of no size, which proc and its like are, have nothing to report; and some make their inodes as they need them. */
function addFilesystem(to: Recorder, mount: Mount, space: Space): void {
  const attributes = {
    'system.device': mount.device,
    'system.filesystem.type': mount.type,
    'system.filesystem.mode': mount.mode,
    'system.filesystem.mountpoint': mount.mountpoint,
  }
  const { limit, used, free, reserved, inodes, freeInodes } = space
  for (const [state, value] of limit > 0n ? Object.entries({ used, free, reserved }) : []) {
    const inState = { ...attributes, 'system.filesystem.state': state }
    to.add('system.filesystem.usage', exact(value), inState)
    to.add('system.filesystem.utilization', Number(value) / Number(limit), inState)
  }
  if (limit > 0n) to.add('system.filesystem.limit', exact(limit), attributes)
  if (inodes === 0n) return
  to.add('system.filesystem.inodes.usage', exact(inodes - freeInodes), {
    ...attributes,
    'system.filesystem.state': 'used',
  })
  to.add('system.filesystem.inodes.usage', exact(freeInodes), { ...attributes, 'system.filesystem.state': 'free' })
}
