import type net from 'node:net'

/** What all connections are read into, one after the other. */
const READ_BUFFER = 256 * 1024

let memory: Buffer | undefined

/** Memory to read into, the same for everybody: whoever is told of a chunk has to be done with it when it returns. */
export const readBuffer = (): Buffer => (memory ??= Buffer.allocUnsafeSlow(READ_BUFFER))

/**
 * Calls `read` with each chunk that comes, valid during the call. Node makes 64 KiB of memory for each that it reads, and a quarter of a server's time
 * goes into collecting it; sockets that we make ourselves can be given memory instead (`onread`), accepted ones by the same means but not by a
 * documented option. Where a version of Node lacks them, chunks come by the event.
 */
export function readChunks(socket: net.Socket, read: (chunk: Buffer) => void): void {
  const { buffer, callback } = keysOf(socket)
  const { _handle: handle } = socket as { _handle?: { useUserBuffer?: (memory: Buffer) => void } | null }
  if (buffer === undefined || callback === undefined || typeof handle?.useUserBuffer !== 'function')
    return void socket.on('data', read)
  const shared = readBuffer()
  handle.useUserBuffer(shared)
  Object.assign(socket, { [buffer]: shared, [callback]: (bytes: number) => read(shared.subarray(0, bytes)) })
}

/** Where node:net keeps what `onread` says. */
function keysOf(socket: net.Socket): { buffer: symbol | undefined; callback: symbol | undefined } {
  const found = (name: string) => Object.getOwnPropertySymbols(socket).find(({ description }) => description === name)
  keys ??= { buffer: found('kBuffer'), callback: found('kBufferCb') }
  return keys
}

let keys: { buffer: symbol | undefined; callback: symbol | undefined } | undefined
