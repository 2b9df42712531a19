import {
  ConnectionError,
  DEFAULT_FRAME,
  DEFAULT_HEADER_TABLE,
  DEFAULT_WINDOW,
  ENABLE_PUSH,
  FLOW_CONTROL_ERROR,
  FRAME_HEAD,
  FRAME_SIZE_ERROR,
  HEADER_TABLE_SIZE,
  INITIAL_WINDOW_SIZE,
  LARGEST_FRAME,
  LARGEST_WINDOW,
  MAX_CONCURRENT_STREAMS,
  MAX_FRAME_SIZE,
  MAX_HEADER_LIST_SIZE,
  PROTOCOL_ERROR,
  readUint32,
  SETTINGS,
  writeFrameHead,
  writeUint32,
} from './frames.ts'

/** An identifier and its value. */
export type Setting = readonly [identifier: number, value: number]

/** Two bytes of identifier, four of value. */
const SETTING_BYTES = 6

/** A whole SETTINGS frame. */
export function settingsFrame(settings: readonly Setting[]): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEAD + settings.length * SETTING_BYTES)
  let at = writeFrameHead(frame, 0, settings.length * SETTING_BYTES, SETTINGS, 0, 0)
  for (const [identifier, value] of settings) {
    frame[at] = identifier >>> 8
    frame[at + 1] = identifier
    at = writeUint32(frame, at + 2, value)
  }
  return frame
}

/** What a peer has asked for, until then what holds without it. */
export class PeerSettings {
  readonly #peer: 'client' | 'server'
  headerTable = DEFAULT_HEADER_TABLE
  maxStreams = Infinity
  /** Credit that each of its streams begins with. A change counts for open ones too, which is the session's to do. */
  window = DEFAULT_WINDOW
  frame = DEFAULT_FRAME
  headerList = Infinity

  constructor(peer: 'client' | 'server') {
    this.#peer = peer
  }

  /** Takes over the payload of a SETTINGS frame; throws a `ConnectionError` (RFC 9113, 6.5). */
  apply(buffer: Buffer, start: number, end: number): void {
    if ((end - start) % SETTING_BYTES !== 0)
      throw new ConnectionError(FRAME_SIZE_ERROR, 'SETTINGS have a length that no settings have')
    for (let at = start; at < end; at += SETTING_BYTES)
      this.#set((buffer[at]! << 8) | buffer[at + 1]!, readUint32(buffer, at + 2))
  }

  /** Unknown ones mean nothing to us. */
  #set(identifier: number, value: number): void {
    switch (identifier) {
      case HEADER_TABLE_SIZE:
        this.headerTable = value
        break
      case ENABLE_PUSH:
        if (value > (this.#peer === 'client' ? 1 : 0)) throw bad('ENABLE_PUSH', value, PROTOCOL_ERROR)
        break
      case MAX_CONCURRENT_STREAMS:
        this.maxStreams = value
        break
      case INITIAL_WINDOW_SIZE:
        if (value > LARGEST_WINDOW) throw bad('INITIAL_WINDOW_SIZE', value, FLOW_CONTROL_ERROR)
        this.window = value
        break
      case MAX_FRAME_SIZE:
        if (value < DEFAULT_FRAME || value > LARGEST_FRAME) throw bad('MAX_FRAME_SIZE', value, PROTOCOL_ERROR)
        this.frame = value
        break
      case MAX_HEADER_LIST_SIZE:
        this.headerList = value
        break
    }
  }
}

const bad = (name: string, value: number, code: number): ConnectionError =>
  new ConnectionError(code, `SETTINGS_${name} may not be ${value}`)
