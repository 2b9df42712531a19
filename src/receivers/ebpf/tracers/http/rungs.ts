import type { Rung } from '../../../../native.ts'

const SENDFILE = 'what sendfile and splice send is not counted'
const SPLICE = 'what splice reads from a socket is not counted'
/** Of `recvmsg_parameters`: where the flags and the result of tcp_recvmsg stand has changed twice since 5.10. */
const RECEIVING = { recvmsg_parameters: 'tcp_recvmsg' }

/** The ways to see what moves over sockets, best first: how they differ stands in `bpf/README.md`. */
export const SOCKET_RUNGS: readonly Rung[] = [
  {
    name: 'fentry',
    needs: ['fentry', 'tp_btf'],
    object: 'socket/fentry',
    parameters: RECEIVING,
    optional: { socket_sent_page: SENDFILE, socket_spliced: SPLICE },
  },
  {
    name: 'kprobe',
    needs: ['kprobe', 'tp_btf'],
    object: 'socket/kprobe',
    parameters: RECEIVING,
    optional: { socket_send_page: SENDFILE, socket_splice: SPLICE },
  },
  { name: 'tp_btf', needs: ['tp_btf'], object: 'socket/tp_btf' },
  { name: 'tracepoint', needs: ['tracepoint'], object: 'socket/tracepoint' },
]

/** `PROTOCOL_…` of `bpf/socket/event.h`. */
const PROTOCOL_HTTP1 = 1
/** `PAYLOAD_BYTES_MAX` of `bpf/socket/event.h`. */
export const HEAD_BYTES_MAX = 4096

/** Constants of the programs: `headBytes` of each message are captured. */
export const socketConstants = (headBytes: number): Readonly<Record<string, Uint8Array>> => ({
  head_bytes: u32(Math.min(headBytes, HEAD_BYTES_MAX)),
  protocols: u32(1 << PROTOCOL_HTTP1),
})

/** Sizes of the programs' maps: `connections` that may be open at once. */
export const socketMapSizes = (connections: number): Readonly<Record<string, number>> => ({ connections })

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
