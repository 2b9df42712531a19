import { Refused } from '../../../component/refused.ts'
import { refusalOfGrpc } from '../../statuses.ts'
import { CANCEL, ENHANCE_YOUR_CALM, INADEQUATE_SECURITY, REFUSED_STREAM } from '../frames.ts'

/** What a reset of a stream means (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#errors); INTERNAL where it is not here. */
const OF_CODE: ReadonlyMap<number, { readonly status: number; readonly says: string }> = new Map([
  [REFUSED_STREAM, { status: 14, says: 'the server refused the stream' }],
  [CANCEL, { status: 1, says: 'the server cancelled the call' }],
  [ENHANCE_YOUR_CALM, { status: 8, says: 'the server has no room: bandwidth exhausted' }],
  [INADEQUATE_SECURITY, { status: 7, says: 'the server finds the connection not secure enough' }],
])
const INTERNAL = 13

export function refusalOfReset(code: number): Refused {
  const { status, says } = OF_CODE.get(code) ?? { status: INTERNAL, says: 'the server reset the stream' }
  return refusalOfGrpc(status, `${says} (RST_STREAM with error code ${code})`)
}

const NAMES = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
]

/** The server has told us to go. */
export function goingAway(code: number, text: string): Refused {
  const said = text ? `: ${JSON.stringify(text)}` : ''
  return lost(`the server is going away (${NAMES[code] ?? code})${said}`)
}

/** The connection has gone, and nobody knows what became of what was under way. */
export const lost = (message: string, cause?: unknown): Refused =>
  new Refused(message, { code: 'unavailable', retry: {}, ...(cause !== undefined && { cause }) })
