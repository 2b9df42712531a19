import { inProcessLoader, loadAddon, separatedLoader, Unavailable } from '../../native.ts'
import type { Addon, SeparatedLoader } from '../../native.ts'
import { offer, ProcessFeed, receive } from '../../plugin.ts'
import type { Receiver, ReceiverContext } from '../../plugin.ts'
import { Intake } from './intake.ts'
import type { EbpfConfig } from './options.ts'
import { OwnMetrics } from './own-metrics.ts'
import { FeedHub } from './processes/feed-hub.ts'
import { Selection } from './processes/selection.ts'
import { ownPid, ProcessTable } from './processes/table.ts'
import { tracer } from './tracers.ts'
import { Tracing } from './tracing.ts'
import type { Means } from './tracing.ts'
import { WorkerThread } from './worker-thread.ts'

/** Traces what the configuration names, as far as this kernel and these privileges let it. `meansOf` is replaced by tests. */
export function ebpf(context: ReceiverContext<EbpfConfig>, meansOf: typeof means = means): Receiver {
  const intake = new Intake(context)
  let running: Tracing | undefined
  const hub = feedHub(context, (isWanted) => running?.follow(isWanted))
  const receiver = receive({
    async open() {
      const metrics = new OwnMetrics(context.meter, context.id)
      const tracing = new Tracing(context, meansOf(context), intake, metrics, hub)
      running = tracing
      await tracing.start()
      return { tracing, metrics }
    },
    deliveries: () => intake.deliveries,
    async close({ tracing, metrics }, deadline) {
      running = undefined
      await tracing.stop(deadline)
      metrics.close()
    },
  })
  return context.config.tracers.exec ? { ...receiver, offers: [offer(ProcessFeed, hub)] } : receiver
}

/** What other components may follow: there before the receiver opens. */
function feedHub({ config, log }: ReceiverContext<EbpfConfig>, onWanted: (isWanted: boolean) => void): FeedHub {
  const { include, exclude, root_path: root } = config
  const table = () =>
    new ProcessTable({
      selection: new Selection({ include, exclude }),
      own: [ownPid(`${root}/proc`)],
      procPath: `${root}/proc`,
      verdict: () => {},
    })
  return new FeedHub({ log, table, onWanted })
}

function means({ config, log, clock }: ReceiverContext<EbpfConfig>): Means {
  const { root_path: root, stats, loader } = config
  const loaded = loadAddon()
  const addonOf = (): Addon => {
    if (loaded.kind === 'unavailable') throw new Unavailable(loaded.reason)
    return loaded.addon
  }
  let separated: SeparatedLoader | undefined
  const ownPids = () => [ownPid(`${root}/proc`), ...(separated?.pid === undefined ? [] : [separated.pid])]
  return {
    loader: () =>
      loader.socket === ''
        ? inProcessLoader({ addon: addonOf(), folder: loaded.folder, log, ownPids: ownPids(), statistics: stats })
        : (separated = separatedLoader({ addon: addonOf(), socket: loader.socket, statistics: stats, log })),
    tracer,
    thread: (start, hears) => new WorkerThread(start, clock, hears),
    ownPids,
    dropPrivileges() {
      const { privileges } = addonOf()
      privileges.keepOnly([])
      privileges.noNewPrivileges()
      log.info({}, 'All capabilities of this process were given up, now that its programs are attached')
    },
  }
}
