import type net from 'node:net'

/** A proxy that leads to the server by HTTP's CONNECT (RFC 9110, 9.3.6). */
export interface Tunnel {
  /** `host:port` of the server, as the proxy is asked for it. */
  readonly to: string
  /** `user:password`, or empty. */
  readonly credentials: string
}

/** Bytes of the proxy's answer. */
const LONGEST_ANSWER = 16 * 1024
const END_OF_HEAD = Buffer.from('\r\n\r\n')

/** Asks the proxy at the other end of `socket` for a way to the server. What came behind its answer is put back. */
export function openTunnel(socket: net.Socket, { to, credentials }: Tunnel): Promise<void> {
  const authorization = credentials
    ? `Proxy-Authorization: Basic ${Buffer.from(credentials).toString('base64')}\r\n`
    : ''
  socket.write(`CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n${authorization}\r\n`)
  return new Promise((resolve, reject) => {
    let head: Buffer = Buffer.alloc(0)
    const stop = () => socket.off('data', read).off('close', gone).off('error', failed).pause()
    const read = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk])
      const end = head.indexOf(END_OF_HEAD)
      if (end < 0 && head.length <= LONGEST_ANSWER) return
      stop()
      const [line = ''] = head.toString('latin1', 0, Math.max(0, end)).split('\r\n', 1)
      if (!/^HTTP\/1\.[01] 2\d\d(?: |$)/.test(line)) return reject(new Error(`the proxy refused: ${shown(line)}`))
      const rest = head.subarray(end + END_OF_HEAD.length)
      if (rest.length > 0) socket.unshift(rest)
      resolve()
    }
    const gone = () => {
      stop()
      reject(new Error('the proxy closed the connection'))
    }
    const failed = (error: Error) => {
      stop()
      reject(error)
    }
    socket.on('data', read).on('close', gone).on('error', failed)
  })
}

/** Characters of the proxy's words that are shown. */
const LONGEST_LINE = 200
const shown = (line: string): string =>
  line.startsWith('HTTP/') ? line.slice(0, LONGEST_LINE) : 'it does not speak HTTP'
