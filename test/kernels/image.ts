import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { loadAddon } from '../../src/native.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const IMAGE_BYTES_MAX = 1024 ** 3
const EMPTY = ['proc', 'sys', 'dev', 'tmp', 'root', 'etc']

/**
 * Makes the file system that a kernel starts with: BusyBox, this Node, Telegen as it is built, and what looks at the kernel. Returns its file.
 * It is not compressed: unpacking would take an emulated processor longer than reading.
 */
export async function makeImage(folder: string, busybox: string): Promise<string> {
  const native = loadAddon()
  if (native.kind === 'unavailable') throw new Error(native.reason)
  const root = join(folder, 'root')
  rmSync(root, { recursive: true, force: true })
  for (const name of EMPTY) mkdirSync(join(root, name), { recursive: true })
  const put = (from: string, to: string) => {
    mkdirSync(dirname(join(root, to)), { recursive: true })
    copyFileSync(from, join(root, to))
  }
  put(busybox, 'bin/busybox')
  put(process.execPath, 'bin/node')
  const addon = join(native.folder, 'telegen.node')
  for (const library of new Set([...librariesOf(process.execPath), ...librariesOf(addon)])) put(library, library)
  cpSync(native.folder, join(root, 'telegen/prebuilt'), { recursive: true })
  cpSync(join(ROOT, 'dist'), join(root, 'telegen/dist'), { recursive: true })
  put(join(ROOT, 'package.json'), 'telegen/package.json')
  put(join(ROOT, 'test/kernels/inside/init'), 'init')
  await bundleInside(join(root, 'telegen/inside.mjs'))
  const image = join(folder, 'image.cpio')
  const pack = `find . -mindepth 1 | cpio --quiet -o -H newc >"$0"`
  execFileSync('sh', ['-c', pack, image], { cwd: root, maxBuffer: IMAGE_BYTES_MAX })
  rmSync(root, { recursive: true })
  return image
}

/** What runs inside, in one file. */
export async function bundleInside(outfile: string): Promise<void> {
  await build({
    entryPoints: [join(ROOT, 'test/kernels/inside/main.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    logLevel: 'warning',
  })
}

/** Shared libraries of a program, with the loader itself: `libz.so.1 => /lib/libz.so.1 (0x…)`. */
const librariesOf = (file: string): string[] =>
  execFileSync('ldd', [file], { encoding: 'utf8' })
    .split('\n')
    .flatMap((line) => /(\/\S+) \(0x/.exec(line)?.[1] ?? [])
