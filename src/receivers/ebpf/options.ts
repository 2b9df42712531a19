import { Block, ByteSize, Choice, Duration, Options, Type } from '../../plugin.ts'
import type { OptionFault, Static } from '../../plugin.ts'
import { dnsOptions } from './tracers/dns/options.ts'
import { execFaults, execOptions } from './tracers/exec/options.ts'
import { checkHttp, httpOptions } from './tracers/http/options.ts'
import { tcpOptions } from './tracers/tcp/options.ts'
import { selectionFaults, selectionProperties } from './processes/selection-options.ts'

const SMALLEST_RING = 64 * 1024
/** The kernel takes no larger one. */
const LARGEST_RING = 2 ** 30
/** Of all tracers. */
export const RUNG_NAMES = ['fentry', 'kprobe', 'tp_btf', 'tracepoint', 'cgroup'] as const

export const ebpfOptions = Options({
  tracers: Block(
    {
      http: Type.Optional(httpOptions),
      tcp: Type.Optional(tcpOptions),
      dns: Type.Optional(dnsOptions),
      exec: Type.Optional(execOptions),
    },
    { description: 'What to trace: each tracer that stands here is on.' },
  ),
  ...selectionProperties,
  ring_size: ByteSize({
    default: '16MiB',
    description:
      'Memory of the ring between the kernel and Telegen, rounded up to a power of two. What has no room is lost and counted.',
  }),
  rungs: Type.Array(Choice(RUNG_NAMES, { description: 'A hook.' }), {
    default: [],
    description:
      'Hooks of the kernel that tracers may use. Each takes the best that it can have of these; what has none is off. Empty: any.',
  }),
  loader: Block(
    {
      socket: Type.String({
        default: '',
        description:
          'Socket of `telegen bpf-loader`, which has the privileges. Empty: this process loads the programs itself.',
      }),
    },
    { description: 'Who puts the programs into the kernel.' },
  ),
  privileges: Choice(['keep', 'drop'], {
    default: 'keep',
    description:
      'Whether this process gives up all its capabilities once its programs are attached. Other components lose them, too: receivers that open files of others, ports below 1024 after a reload.',
  }),
  root_path: Type.String({
    default: '',
    description: "Where the host's root filesystem is, for a container that has it mounted.",
  }),
  metrics: Block(
    {
      interval: Duration({ default: '15s', description: 'How often what is counted is emitted.' }),
    },
    { description: 'Metrics of the tracers.' },
  ),
  limits: Block(
    {
      series: Type.Integer({
        default: 2000,
        minimum: 1,
        maximum: 1_000_000,
        description: 'Series of each metric; what comes beyond them is counted in one, `otel.metric.overflow`.',
      }),
      events_per_second: Type.Integer({
        default: 0,
        minimum: 0,
        description: 'Events that are looked at; what comes beyond is dropped and counted. 0: all.',
      }),
      batch_items: Type.Integer({
        default: 2048,
        minimum: 1,
        maximum: 100_000,
        description: 'Spans or log records that are emitted at once.',
      }),
      flush_interval: Duration({
        default: '1s',
        description: 'How long they wait for others at most: what comes after a pause does not wait.',
      }),
    },
    { description: 'Bounds of what is held and emitted.' },
  ),
  stats: Type.Boolean({
    default: false,
    description:
      "Whether the kernel measures the programs' run time, for `telegen.ebpf.program.run_time`. Costs some tens of nanoseconds a run.",
  }),
})

export type EbpfConfig = Static<typeof ebpfOptions>

/** The tracers that are on, with their options. */
export const tracersOf = ({ tracers }: EbpfConfig): readonly (readonly [name: string, options: unknown])[] =>
  Object.entries(tracers).filter(([, options]) => options !== undefined)

export function* ebpfFaults(config: EbpfConfig): Iterable<OptionFault> {
  const { ring_size: ring, root_path: root, loader, metrics, limits, privileges } = config
  if (tracersOf(config).length === 0)
    yield {
      path: ['tracers'],
      message: 'must name at least one tracer',
      hint: `write the ones that are wanted, such as "tracers: { http: }"; there are ${Object.keys(ebpfOptions.properties.tracers.properties).join(', ')}`,
    }
  const { http, exec } = config.tracers
  if (http) for (const fault of checkHttp(http)) yield { ...fault, path: ['tracers', 'http', ...fault.path] }
  if (exec) yield* execFaults(exec, ['tracers', 'exec'])
  yield* selectionFaults(config)
  if (ring < SMALLEST_RING || ring > LARGEST_RING) yield { path: ['ring_size'], message: 'must be from 64KiB to 1GiB' }
  for (const [path, value] of [
    [['root_path'], root],
    [['loader', 'socket'], loader.socket],
  ] as const)
    if (value !== '' && !value.startsWith('/')) yield { path, message: `"${value}" is not an absolute path` }
  if (metrics.interval <= 0) yield { path: ['metrics', 'interval'], message: 'requires positive value' }
  if (limits.flush_interval <= 0) yield { path: ['limits', 'flush_interval'], message: 'requires positive value' }
  if (privileges === 'drop' && loader.socket !== '')
    yield {
      path: ['privileges'],
      message:
        'with a loader of its own, this process needs no privileges: start it without any instead of dropping them',
    }
}
