import { Duration, Options, Type } from '../../plugin.ts'
import type { OptionFault, Static } from '../../plugin.ts'

const rotation = Options(
  {
    max_megabytes: Type.Integer({
      default: 100,
      minimum: 1,
      description: 'Size at which a file is put aside, in MiB.',
    }),
    max_days: Type.Integer({
      default: 0,
      minimum: 0,
      description: 'Days that files put aside are kept; 0 is for ever.',
    }),
    max_backups: Type.Integer({ default: 100, minimum: 0, description: 'How many of them are kept; 0 is all.' }),
    localtime: Type.Boolean({ default: false, description: 'Whether their names have the local time instead of UTC.' }),
  },
  { description: 'Puts the file aside when it is large. Left out, it grows without bound.' },
)

const groupBy = Options(
  {
    enabled: Type.Boolean({ default: false, description: 'Not built yet.' }),
    resource_attribute: Type.String({ default: 'fileexporter.path_segment', description: 'Not built yet.' }),
    max_open_files: Type.Integer({ default: 100, description: 'Not built yet.' }),
  },
  { description: 'A file for each value of a resource attribute; not built yet.' },
)

export const options = Options({
  path: Type.String({ default: '', description: 'The file to write to, from the working directory; required.' }),
  format: Type.String({
    default: 'json',
    description: '`json`: a request in each line; `proto`: each behind its length.',
  }),
  append: Type.Boolean({ default: false, description: 'Whether what is in the file when Telegen starts stays there.' }),
  compression: Type.String({
    default: '',
    description: '`zstd` compresses each request; both formats then stand behind their lengths.',
  }),
  rotation: Type.Optional(rotation),
  flush_interval: Duration({
    default: '1s',
    description: 'Without effect: each batch is written before it is acknowledged.',
  }),
  create_directory: Type.Boolean({ default: false, description: 'Whether missing directories are made.' }),
  directory_permissions: Type.String({ default: '0755', description: 'Of directories that are made, in octal.' }),
  group_by: Type.Optional(groupBy),
  encoding: Type.Optional(Type.Unknown({ description: 'An extension that encodes; not built yet.' })),
})
export type FileConfig = Static<typeof options>

export type Rotation = Static<typeof rotation>

export function* faults(config: FileConfig): Iterable<OptionFault> {
  const at = (option: keyof FileConfig, message: string): OptionFault => ({ path: [option], message })
  if (config.path === '') yield at('path', 'path must be non-empty')
  if (config.append && config.compression !== '')
    yield at('append', 'append and compression enabled at the same time is not supported')
  if (config.append && config.rotation)
    yield at('append', 'append and rotation enabled at the same time is not supported')
  if (config.format !== 'json' && config.format !== 'proto') yield at('format', 'format type is not supported')
  if (config.compression !== '' && config.compression !== 'zstd')
    yield at('compression', 'compression is not supported')
  if (config.flush_interval < 0) yield at('flush_interval', 'flush_interval must be larger than zero')
  if (!/^[0-7]{3,4}$/.test(config.directory_permissions))
    yield at('directory_permissions', `"${config.directory_permissions}" are no permissions in octal`)
  if (config.group_by?.enabled) yield at('group_by', '"group_by" is not built yet: all data goes into one file')
  if (config.encoding !== undefined) yield at('encoding', '"encoding" is not built yet: the formats are json and proto')
}
