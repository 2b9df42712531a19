import { existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import { builtInCatalog } from '../../builtin.ts'
import type { Kind } from '../../component/definition.ts'
import { UsageError } from '../arguments.ts'
import type { Arguments } from '../arguments.ts'
import { ownFolder, ownPackage } from '../package.ts'
import { files, packageName } from './files.ts'
import type { Names, Template } from './template.ts'
import { connector } from './templates/connector.ts'
import { exporter } from './templates/exporter.ts'
import { extension } from './templates/extension.ts'
import { processor } from './templates/processor.ts'
import { receiver } from './templates/receiver.ts'

const TEMPLATES: Readonly<Record<Kind, (names: Names) => Template>> = {
  receiver,
  processor,
  connector,
  exporter,
  extension,
}

/** Makes a package with a component of the user's own, in a new folder that has its name. */
export async function create({ words }: Arguments, print: (text: string) => number): Promise<number> {
  const [kind, type] = words as [Kind, string]
  checkType(kind, type)
  const folder = resolve(type)
  makeFolder(folder, type)
  const template = TEMPLATES[kind]({ type, variable: camelCase(`${type}_${kind}`) })
  const linked = findsTelegen(folder) ? undefined : ownFolder()
  const made = files(kind, type, { version: ownPackage().version, linked }, template)
  for (const [name, text] of Object.entries(made)) writeFileSync(join(folder, name), text)
  if (linked !== undefined) link(linked, folder)
  return print(`Made ${packageName(type)} in ${type}${sep}. Try it:

  cd ${type}
  npm test
  npm start
`)
}

const TYPE = /^[a-z][0-9a-z_]{0,62}$/

function checkType(kind: Kind, type: string): void {
  if (!TYPE.test(type)) {
    const near = type
      .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
      .toLowerCase()
      .replaceAll(/[^0-9a-z]+/g, '_')
      .replaceAll(/^[0-9_]+|_+$/g, '')
    throw new UsageError(
      `invalid name: ${JSON.stringify(type)} (lower case letters, digits and _, 63 at most, a letter first)`,
      TYPE.test(near) ? `did you mean "${near}"?` : undefined,
    )
  }
  const taken = builtInCatalog().find(kind, type)
  if (taken !== undefined)
    throw new UsageError(`${kind} type "${type}" is already there: Telegen has it built in`, 'choose another name')
}

/** Nothing is ever written over: the folder must not be there. */
function makeFolder(folder: string, type: string): void {
  try {
    mkdirSync(folder)
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new UsageError(`${type} is already there`, 'choose another name, or move it away')
    throw new UsageError(`cannot make the folder ${type}: ${message}`)
  }
}

/** Whether Node finds this very Telegen from the new folder: then it is installed in a folder above. */
function findsTelegen(folder: string): boolean {
  const installed = join(folder, 'node_modules', 'telegen')
  if (existsSync(installed)) return realpathSync(installed) === realpathSync(ownFolder())
  return dirname(folder) !== folder && findsTelegen(dirname(folder))
}

/** What `npm install` would do with a package that is named by its folder, without npm. */
function link(telegen: string, folder: string): void {
  const modules = join(folder, 'node_modules')
  mkdirSync(join(modules, '.bin'), { recursive: true })
  symlinkSync(telegen, join(modules, 'telegen'), 'dir')
  symlinkSync(join('..', 'telegen', 'dist', 'cli', 'main.js'), join(modules, '.bin', 'telegen'))
}

const camelCase = (type: string): string =>
  type.replaceAll(/_+([0-9a-z])/g, (_, letter: string) => letter.toUpperCase())
