import { ConnectionError, FRAME_SIZE_ERROR, PROTOCOL_ERROR } from './frames.ts'

export const protocolError = (message: string): ConnectionError => new ConnectionError(PROTOCOL_ERROR, message)

/** Throws where a frame has another payload than all of its kind. */
export function mustHave(bytes: number, start: number, end: number): void {
  if (end - start !== bytes) throw new ConnectionError(FRAME_SIZE_ERROR, `a frame of ${bytes} bytes has ${end - start}`)
}
