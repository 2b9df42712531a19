import type { Kind } from '../../component/definition.ts'
import type { Template } from './template.ts'

/** The Telegen that makes the package. */
interface Maker {
  readonly version: string
  /** Its folder, where Node does not find it from the package: it is installed for everybody, or npx fetched it. */
  readonly linked: string | undefined
}

/** The files of a new package, by name. Plain JavaScript: Node runs it from anywhere, and nothing has to be built. */
export function files(kind: Kind, type: string, maker: Maker, template: Template): Readonly<Record<string, string>> {
  return {
    'package.json': json(manifest(kind, type, maker, template.summary)),
    'index.js': template.index,
    'index.test.js': template.test,
    'config.yaml': template.config,
    'jsconfig.json': json(EDITOR),
    'README.md': readme(kind, type, template.summary),
    '.gitignore': 'node_modules/\n',
  }
}

export const packageName = (type: string): string => `telegen-${type.replaceAll('_', '-')}`

const json = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`

function manifest(kind: Kind, type: string, { version, linked }: Maker, summary: string): object {
  return {
    name: packageName(type),
    version: '0.1.0',
    description: `A Telegen ${kind}. ${summary}`,
    keywords: ['telegen', kind],
    type: 'module',
    exports: './index.js',
    files: ['index.js'],
    engines: { node: '>=22.19' },
    scripts: {
      start: 'telegen --config config.yaml',
      validate: 'telegen validate --config config.yaml',
      test: 'node --test',
    },
    // The Telegen that runs the component is the one that it is written against: none is installed for it.
    peerDependencies: { telegen: `>=${version}` },
    peerDependenciesMeta: { telegen: { optional: true } },
    ...(linked !== undefined && { devDependencies: { telegen: `file:${linked}` } }),
  }
}

/** Editors then know what `telegen/plugin` has, and check what is called with what. */
const EDITOR = {
  compilerOptions: {
    target: 'es2024',
    module: 'nodenext',
    checkJs: true,
    noEmit: true,
    skipLibCheck: true,
  },
  include: ['index.js'],
}

const readme = (kind: Kind, type: string, summary: string): string => `# ${packageName(type)}

A Telegen ${kind}, \`${type}\`. ${summary}

| | |
|---|---|
| \`index.js\` | the component: its options, and what it does |
| \`index.test.js\` | its test, in a real engine: \`npm test\` |
| \`config.yaml\` | a configuration that runs it: \`npm start\` |

Any Telegen runs it, without being built anew, where a configuration names the package or the file:

\`\`\`yaml
plugins: [${packageName(type)}]
\`\`\`

\`telegen schema --config config.yaml > telegen.schema.json\` makes a schema with its options, with which editors complete and check
configurations.
`
