import { Options } from '../../../plugin.ts'
import type { Count } from '../count.ts'
import { CounterStarts } from '../counter-starts.ts'
import type { HostFiles } from '../host-files.ts'
import type { MetricDefinition, MetricTable, Recorder } from '../metric.ts'
import { metricSwitches } from '../metric.ts'
import type { NetworkDevice } from '../proc/network-devices.ts'
import { parseNetworkDevices } from '../proc/network-devices.ts'
import { SocketCounter } from '../proc/sockets.ts'
import type { Host, Scraper } from '../scraper.ts'
import { attempt } from '../scraper.ts'
import type { Names } from '../selection.ts'
import { namesOption, selection } from '../selection.ts'

const count = (unit: string, description: string, formerly?: string): MetricDefinition => ({
  kind: 'counter',
  unit,
  value: 'int',
  enabled: true,
  description,
  ...(formerly && { formerly }),
})

const CONNECTIONS = 'system.network.connection.count'

export const networkMetrics = {
  'system.network.io': count('By', 'The number of bytes transmitted and received.'),
  'system.network.packet.count': count('{packet}', 'The number of packets transferred.', 'system.network.packets'),
  'system.network.packet.dropped': count(
    '{packet}',
    'Count of packets that are dropped or discarded even though there was no error.',
    'system.network.dropped',
  ),
  'system.network.errors': count('{error}', 'Count of network errors detected.'),
  [CONNECTIONS]: {
    ...count('{connection}', 'The number of connections.', 'system.network.connections'),
    kind: 'up_down_counter',
  },
} satisfies MetricTable

export const networkOptions = Options(
  {
    metrics: metricSwitches(networkMetrics, ['system.network.conntrack.count', 'system.network.conntrack.max']),
    include: namesOption('interfaces', 'interfaces to report'),
    exclude: namesOption('interfaces', 'interfaces to leave out'),
  },
  { description: 'Traffic of network interfaces, and TCP connections.' },
)

interface NetworkOptions {
  readonly include?: Names
  readonly exclude?: Names
}

const COUNTERS = ['io', 'packet.count', 'packet.dropped', 'errors'].map((name) => `system.network.${name}`)

/** Reads net/dev and the lists of TCP sockets. */
export function network({ files, options, enabled }: Host<NetworkOptions>): Scraper {
  const isSelected = selection('interfaces', options.include, options.exclude)
  const starts = new CounterStarts()
  // /proc/net is that of whoever reads it; under root_path the network of the host's first process is meant.
  const folder = files.root === '' ? '/proc/net' : '/proc/1/net'
  return async (abort) => {
    const wantsDevices = COUNTERS.some((name) => enabled.has(name))
    const devices = wantsDevices ? await attempt(readDevices(files, folder, abort)) : undefined
    const connections = enabled.has(CONNECTIONS) ? await attempt(countConnections(files, folder, abort)) : undefined
    return (to) => {
      starts.begin(to.time)
      for (const device of to.known(devices) ?? []) if (isSelected(device.name)) addDevice(to, starts, device)
      for (const [state, value] of to.known(connections) ?? [])
        to.add(CONNECTIONS, value, { 'network.transport': 'tcp', 'network.connection.state': state })
    }
  }
}

async function readDevices(files: HostFiles, folder: string, abort: AbortSignal): Promise<readonly NetworkDevice[]> {
  return parseNetworkDevices(await files.read(`${folder}/dev`, abort))
}

function addDevice(to: Recorder, starts: CounterStarts, device: NetworkDevice): void {
  for (const direction of ['receive', 'transmit'] as const) {
    const add = (name: string, value: Count, key: 'network.interface.name' | 'system.device'): void => {
      const start = starts.start(`${name} ${direction} ${device.name}`, value)
      to.add(name, value, { [key]: device.name, 'network.io.direction': direction }, start ?? to.boot)
    }
    const { bytes, packets, errors, dropped } = device[direction]
    add('system.network.io', bytes, 'network.interface.name')
    // The conventions name the interface otherwise in this one metric.
    add('system.network.packet.count', packets, 'system.device')
    add('system.network.packet.dropped', dropped, 'network.interface.name')
    add('system.network.errors', errors, 'network.interface.name')
  }
}

/** IPv4 and IPv6 together. There is no tcp6 where IPv6 is off, and neither in a kernel without TCP. */
async function countConnections(files: HostFiles, folder: string, abort: AbortSignal) {
  const counter = new SocketCounter()
  let isThere = false
  for (const name of ['tcp', 'tcp6']) {
    counter.begin()
    if (await files.stream(`${folder}/${name}`, (chunk) => counter.take(chunk), abort)) isThere = true
  }
  return isThere ? counter.counts : undefined
}
