import type { Count } from '../count.ts'
import { Fields } from '../fields.ts'

export const MAX_INTERFACES = 65_536

export interface Traffic {
  readonly bytes: Count
  readonly packets: Count
  readonly errors: Count
  readonly dropped: Count
}

export interface NetworkDevice {
  readonly name: string
  readonly receive: Traffic
  readonly transmit: Traffic
}

/** Reads /proc/net/dev (proc_pid_net(5)): two lines of headings, then `name: ` and eight columns for each direction. */
export function parseNetworkDevices(buffer: Buffer): readonly NetworkDevice[] {
  const devices: NetworkDevice[] = []
  const fields = new Fields(buffer)
  fields.nextLine()
  fields.nextLine()
  while (fields.nextLine() && devices.length < MAX_INTERFACES) {
    const name = fields.upTo(':')
    const receive = traffic(fields)
    const transmit = traffic(fields.skip(4))
    if (name && receive && transmit) devices.push({ name, receive, transmit })
  }
  return devices
}

function traffic(fields: Fields): Traffic | undefined {
  const bytes = fields.integer()
  const packets = fields.integer()
  const errors = fields.integer()
  const dropped = fields.integer()
  if (bytes === undefined || packets === undefined || errors === undefined || dropped === undefined) return undefined
  return { bytes, packets, errors, dropped }
}
