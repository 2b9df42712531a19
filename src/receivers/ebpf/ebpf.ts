import { inProcessLoader, loadAddon, separatedLoader, Unavailable } from '../../native.ts'
import type { Addon, SeparatedLoader } from '../../native.ts'
import { receive } from '../../plugin.ts'
import type { Receiver, ReceiverContext } from '../../plugin.ts'
import { Intake } from './intake.ts'
import type { EbpfConfig } from './options.ts'
import { OwnMetrics } from './own-metrics.ts'
import { ownPid } from './processes/table.ts'
import { tracer } from './tracers.ts'
import { Tracing } from './tracing.ts'
import type { Means } from './tracing.ts'
import { WorkerThread } from './worker-thread.ts'

/** Traces what the configuration names, as far as this kernel and these privileges let it. `meansOf` is replaced by tests. */
export function ebpf(context: ReceiverContext<EbpfConfig>, meansOf: typeof means = means): Receiver {
  const intake = new Intake(context)
  return receive({
    async open() {
      const metrics = new OwnMetrics(context.meter, context.id)
      const tracing = new Tracing(context, meansOf(context), intake, metrics)
      await tracing.start()
      return { tracing, metrics }
    },
    deliveries: () => intake.deliveries,
    async close({ tracing, metrics }, deadline) {
      await tracing.stop(deadline)
      metrics.close()
    },
  })
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
        : (separated = separatedLoader({ addon: addonOf(), socket: loader.socket })),
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
