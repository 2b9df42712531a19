import { TAP_SIDES } from '../component/control.ts'

/** What the command line knows: the one table behind reading it, its help, shell completion and docs/cli.md. */

export interface Flag {
  readonly name: string
  readonly short?: string
  /** What stands for its value in the help; a flag without one is a switch. */
  readonly value?: string
  /** A switch that may be written `--flag=false`. */
  readonly truth?: boolean
  /** May be given several times. */
  readonly many?: boolean
  /** The values that there are; the first is the default, unless there is none. */
  readonly choices?: readonly string[]
  /** Without a default. */
  readonly chooses?: true
  /** What the shell completes a value with. */
  readonly completes?: 'file' | 'setting'
  readonly summary: string
}

export interface CommandDescription {
  readonly name: Command
  readonly alias?: string
  /** What may follow it: `<kind> <name>`. */
  readonly words: readonly Word[]
  readonly summary: string
  /** More than one line can hold, as paragraphs of its help. */
  readonly about?: readonly string[]
  readonly flags: readonly Flag[]
  readonly example: string
}

export interface Word {
  readonly name: string
  readonly choices?: readonly string[]
  readonly optional?: boolean
}

export const COMMANDS = [
  'run',
  'validate',
  'print-config',
  'graph',
  'tap',
  'doctor',
  'bpf-loader',
  'schema',
  'components',
  'create',
  'completion',
  'featuregate',
  'help',
] as const
export type Command = (typeof COMMANDS)[number]

export const CREATABLE = ['receiver', 'processor', 'exporter', 'connector', 'extension'] as const
export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

const CONFIG: Flag = {
  name: 'config',
  value: 'location',
  many: true,
  completes: 'file',
  summary:
    'A path or file:path, a folder of files (conf.d), http:// or https://, env:NAME, or yaml:text with :: between keys (yaml:exporters::debug::verbosity: basic). May be given several times, later ones laid over earlier ones.',
}
const SET: Flag = {
  name: 'set',
  value: 'key=value',
  many: true,
  completes: 'setting',
  summary: 'Sets one value over all files: --set receivers.otlp.protocols.grpc.endpoint=0.0.0.0:4317.',
}
const GATES: Flag = {
  name: 'feature-gates',
  value: 'ids',
  many: true,
  summary:
    'Taken for the sake of command lines written for the Collector. Telegen has no gates; whatever would not be as asked is told.',
}
const WATCH: Flag = {
  name: 'watch-config',
  truth: true,
  summary:
    'Reads the configuration again whenever one of its files changes, as SIGHUP does. Documents of the network are not watched.',
}
const PLUGINS = { ...CONFIG, summary: 'Adds the components of plugins that this configuration names.' }

/** Flags of every command. */
export const EVERYWHERE: readonly Flag[] = [
  { name: 'help', short: 'h', summary: 'Prints what the command does.' },
  { name: 'version', short: 'v', summary: 'Prints the version.' },
]

const output = (choices: readonly string[], summary: string): Flag => ({
  name: 'output',
  value: choices.join('|'),
  choices,
  summary,
})

export const DESCRIPTIONS: readonly CommandDescription[] = [
  {
    name: 'run',
    words: [],
    summary: 'Runs a configuration until SIGINT or SIGTERM. The command when none is given.',
    about: [
      'SIGHUP reads the configuration again. Only what differs is stopped and started; a configuration with faults changes nothing.',
    ],
    flags: [CONFIG, SET, WATCH, GATES],
    example: 'telegen --config agent.yaml',
  },
  {
    name: 'validate',
    words: [],
    summary: 'Finds everything that is wrong with a configuration; starts nothing. Silent if all is well.',
    flags: [CONFIG, SET, output(['text', 'json'], 'How it is told: JSON goes to standard output.'), GATES],
    example: 'telegen validate --config agent.yaml',
  },
  {
    name: 'print-config',
    alias: 'print-initial-config',
    words: [],
    summary: 'Prints the configuration that takes effect: expanded, merged, with all defaults.',
    about: [
      'What it prints can be run. Secrets are [REDACTED] unless asked otherwise, and values that Telegen chooses by itself stand beside `auto` as comments.',
    ],
    flags: [
      CONFIG,
      SET,
      { name: 'mode', value: 'mode', choices: ['redacted', 'unredacted'], summary: 'Whether secrets are shown.' },
      { name: 'format', value: 'format', choices: ['yaml', 'json'], summary: 'JSON has no comments.' },
      { name: 'validate', truth: true, summary: 'Whether it must be valid to be printed. Default true.' },
      GATES,
    ],
    example: 'telegen print-config --config agent.yaml',
  },
  {
    name: 'graph',
    words: [],
    summary: 'Draws the pipelines of a configuration.',
    flags: [CONFIG, SET, output(['text', 'mermaid', 'dot'], 'For the terminal, for Markdown, or for Graphviz.'), GATES],
    example: 'telegen graph --config agent.yaml --output mermaid',
  },
  {
    name: 'tap',
    words: [{ name: 'target' }],
    summary: 'Shows records that pass a pipeline or component of a running Telegen.',
    about: [
      'The target is a pipeline (traces/in) or a component (otlp_grpc/backup). Shown is what goes into it, of a receiver what comes out. The configuration must have the extension admin. Ends with Ctrl-C.',
    ],
    flags: [
      {
        name: 'endpoint',
        value: 'address',
        summary: 'Of the extension admin: host:port, https://host:port or unix:/path. Default localhost:13134.',
      },
      {
        name: 'side',
        value: TAP_SIDES.join('|'),
        choices: TAP_SIDES,
        summary: 'What goes in, or what comes out.',
        chooses: true,
      },
      {
        name: 'filter',
        value: 'key=value',
        many: true,
        summary: 'Only records where this attribute, of the record, its scope or resource, has this value.',
      },
      {
        name: 'severity',
        value: 'name',
        summary: 'Only log records at least as severe: trace, debug, info, warn, error, fatal.',
      },
      {
        name: 'name',
        value: 'text',
        summary: 'Only spans and metrics whose name, and log records whose body, has this in it.',
      },
      {
        name: 'limit',
        value: 'n',
        summary: 'Records a second at most, 1 to 1000. Default 10; how many more passed is told.',
      },
      output(['text', 'json'], 'JSON has one object a line: record, scope and resource in the shape of OTLP/JSON.'),
      {
        name: 'header',
        value: 'name: value',
        many: true,
        summary: "Sent along, where the endpoint asks for authentication: --header 'Authorization: Bearer …'.",
      },
    ],
    example: 'telegen tap traces --filter service.name=checkout',
  },
  {
    name: 'doctor',
    words: [],
    summary: 'Tells what eBPF can do here and why not more.',
    about: [
      'Kernel, mounts, privileges, what each type of program is refused for, and which way each tracer of the receiver ebpf would use. Works without root too, and then says what is missing.',
    ],
    flags: [
      {
        name: 'load',
        summary:
          'Loads and attaches the programs of each tracer and takes them away again, in place of foreseeing it. Mounts tracefs where only that is missing.',
      },
      output(['text', 'json'], 'How it is told.'),
      { name: 'json', summary: 'The same as --output json.' },
    ],
    example: 'telegen doctor',
  },
  {
    name: 'bpf-loader',
    words: [],
    summary: 'Puts the programs of the receiver ebpf into the kernel for an agent that has no privileges.',
    about: [
      'Needs root, or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, and gives up all else. Loads only what Telegen ships. The configuration of the agent names the socket: receivers::ebpf::loader::socket. Ends with SIGINT or SIGTERM, and with it all that it had attached.',
    ],
    flags: [
      {
        name: 'socket',
        value: 'path',
        completes: 'file',
        summary: 'Where it listens. Default /run/telegen/bpf-loader.sock; the folder must be there.',
      },
      {
        name: 'user',
        value: 'name',
        summary: 'Whose agent is served, by name or number. Default: only root and the user that it runs as.',
      },
      { name: 'mode', value: 'octal', summary: 'Permissions of the socket. Default 0660.' },
      {
        name: 'admit-executables',
        value: 'glob',
        summary:
          'Executables of processes that an agent may have probed: "/usr/sbin/nginx", "/opt/**", or several with commas between. Keeps CAP_SYS_PTRACE for it. Default: any that can be looked into without.',
      },
      {
        name: 'stats',
        summary: "Counts the programs' run time for agents that ask. A second process keeps CAP_SYS_ADMIN for it.",
      },
    ],
    example: 'telegen bpf-loader --socket /run/telegen/bpf-loader.sock --user telegen',
  },
  {
    name: 'schema',
    words: [],
    summary: 'Prints a JSON Schema of the whole configuration, for editors.',
    about: [
      'An editor with the YAML language server completes, explains and checks a configuration whose first line says where the schema is:',
      '  # yaml-language-server: $schema=telegen.schema.json',
    ],
    flags: [PLUGINS, SET, GATES],
    example: 'telegen schema > telegen.schema.json',
  },
  {
    name: 'components',
    words: [],
    summary: 'Lists component types.',
    flags: [
      PLUGINS,
      SET,
      output(['text', 'json'], 'JSON has summaries, other names and the schemas of options too.'),
      GATES,
    ],
    example: 'telegen components',
  },
  {
    name: 'create',
    words: [{ name: 'kind', choices: CREATABLE }, { name: 'name' }],
    summary: 'Makes a package with a component of your own, which tests and runs at once.',
    about: ['The package goes into a new folder of that name. The name is the component type: lower case, snake_case.'],
    flags: [],
    example: 'telegen create receiver door_bell',
  },
  {
    name: 'completion',
    words: [{ name: 'shell', choices: SHELLS }],
    summary: 'Prints a script that makes a shell complete commands, flags and component types.',
    flags: [],
    example: 'source <(telegen completion bash)',
  },
  {
    name: 'featuregate',
    words: [{ name: 'id', optional: true }],
    summary: "Lists the Collector's feature gates whose behaviour Telegen always has.",
    flags: [GATES],
    example: 'telegen featuregate',
  },
  {
    name: 'help',
    words: [{ name: 'command', choices: COMMANDS, optional: true }],
    summary: 'Prints what a command does.',
    flags: [],
    example: 'telegen help graph',
  },
]

export const description = (command: Command): CommandDescription =>
  DESCRIPTIONS.find(({ name }) => name === command) as CommandDescription
