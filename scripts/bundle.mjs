// Bundles src/ and the packages that a start needs into dist/: reading some 600 small files took half of a start's time.
// Components stay chunks of their own, loaded when a configuration names them.
import { build } from 'esbuild'

/**
 * An `import` of `node:http` reads all its exports, and one of them, `WebSocket`, loads the whole of Node's own undici: 80 ms of CPU
 * of a start (Node 24), whoever needs it or not. Asked for by name, the same module comes without.
 */
const leanHttp = {
  name: 'lean-http',
  setup(building) {
    building.onResolve({ filter: /^node:http$/ }, ({ path }) => ({ path, namespace: 'lean-http' }))
    building.onLoad({ filter: /.*/, namespace: 'lean-http' }, () => ({
      contents: "module.exports = process.getBuiltinModule('node:http')",
    }))
  },
}

const { metafile } = await build({
  entryPoints: [
    'src/cli/main.ts',
    'src/cli/worker.ts',
    'src/index.ts',
    'src/plugin.ts',
    'src/receivers/ebpf/worker.ts',
    'src/testing.ts',
  ],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  // As deep as the folders of src/, so that paths relative to a module mean the same in both.
  chunkNames: 'chunks/[name]-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node22',
  legalComments: 'eof',
  plugins: [leanHttp],
  // RxJS offers Node its CommonJS form, from which nothing can be left out.
  alias: { rxjs: './node_modules/rxjs/dist/esm/index.js' },
  // Has a native part, which stays where npm put it.
  external: ['snappy'],
  banner: {
    js: "import { createRequire as createBundledRequire } from 'node:module'\nconst require = createBundledRequire(import.meta.url)",
  },
  logLevel: 'warning',
  metafile: true,
})

// A CommonJS package that is loaded with `import()` has its names in Node and none of them in a bundle.
const nameless = Object.values(metafile.outputs).filter(
  ({ entryPoint, exports }) => entryPoint?.includes('node_modules/') && exports.every((name) => name === 'default'),
)
for (const { entryPoint } of nameless)
  throw new Error(`${entryPoint} is CommonJS: import it by name in a module of ours, and that with import()`)
