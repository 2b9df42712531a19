import { placeOf } from '../node.ts'
import type { Mapping } from '../node.ts'
import type { Telemetry } from '../telemetry.ts'
import type { Listener } from './listeners.ts'

/** Where Telegen itself will listen for who reads its metrics. */
export function metricListeners({ metrics: { level, readers } }: Telemetry, root: Mapping): Listener[] {
  if (level === 'none') return []
  return readers.flatMap((reader, index): Listener[] => {
    if (reader.kind !== 'prometheus') return []
    const { host, port, written } = reader
    const steps = [
      'service',
      'telemetry',
      'metrics',
      ...(written ? ['readers', index, 'pull', 'exporter', 'prometheus', 'port'] : []),
    ]
    const address = `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`
    return [{ address, path: 'service::telemetry::metrics', place: placeOf(root, steps), body: root }]
  })
}
