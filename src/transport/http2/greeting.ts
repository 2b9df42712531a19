import {
  DEFAULT_FRAME,
  DEFAULT_HEADER_TABLE,
  DEFAULT_WINDOW,
  FRAME_HEAD,
  INITIAL_WINDOW_SIZE,
  MAX_CONCURRENT_STREAMS,
  MAX_FRAME_SIZE,
  MAX_HEADER_LIST_SIZE,
  WINDOW_UPDATE,
  writeFrameHead,
  writeUint32,
} from './frames.ts'
import { CONNECTION_WINDOW } from './receive-credit.ts'
import { STREAM_WINDOW } from './server-stream.ts'
import { settingsFrame } from './settings.ts'

/** Payload of a DATA frame: it goes where its message goes, whatever its size. */
export const DATA_LIMIT = 2 ** 20
/** And of any other: headers that we take fit in as much. */
export const OTHER_LIMIT = DEFAULT_FRAME
/** Octets of the header list of a request, each field with 32 beyond its own, and of the table of fields. */
export const HEADER_LIST = 16 * 1024
export const HEADER_TABLE = DEFAULT_HEADER_TABLE

/** What a server says first: its settings, and the credit of the connection. */
export function greeting(mostStreams: number): Buffer {
  const settings = settingsFrame([
    [MAX_CONCURRENT_STREAMS, mostStreams],
    [INITIAL_WINDOW_SIZE, STREAM_WINDOW],
    [MAX_FRAME_SIZE, DATA_LIMIT],
    [MAX_HEADER_LIST_SIZE, HEADER_LIST],
  ])
  const credit = Buffer.alloc(FRAME_HEAD + 4)
  writeUint32(credit, writeFrameHead(credit, 0, 4, WINDOW_UPDATE, 0, 0), CONNECTION_WINDOW - DEFAULT_WINDOW)
  return Buffer.concat([settings, credit])
}
