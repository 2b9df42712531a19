/**
 * The other end of an HTTP connection, as cheap as can be, in a process of its own: `sink` answers each POST and tells its parent the port,
 * `load PORT FILE CODING` posts a file over and over, one request at a time on each of a few connections.
 */
import { readFileSync } from 'node:fs'
import net from 'node:net'

const CONNECTIONS = 8
const ANSWER = Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n')
const END_OF_HEAD = Buffer.from('\r\n\r\n')

const [mode = '', port = '', file = '', coding = ''] = process.argv.slice(2)

if (mode === 'sink') sink()
else load()
process.on('disconnect', () => process.exit(0))

function sink(): void {
  const server = net.createServer({ noDelay: true }, (socket) => {
    let left = 0
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      for (let at = 0; at < chunk.length;) {
        if (left === 0) {
          const end = chunk.indexOf(END_OF_HEAD, at) + END_OF_HEAD.length
          left = Number(/content-length: *(\d+)/i.exec(chunk.toString('latin1', at, end))?.[1])
          at = end
        }
        const taken = Math.min(left, chunk.length - at)
        at += taken
        left -= taken
        if (left === 0) socket.write(ANSWER)
      }
    })
  })
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as net.AddressInfo).port))
}

function load(): void {
  const body = readFileSync(file)
  const head =
    'POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: OTel-OTLP-Exporter-Go/1.40\r\nContent-Type: application/x-protobuf\r\n' +
    `Accept-Encoding: gzip\r\n${coding && `Content-Encoding: ${coding}\r\n`}Content-Length: ${body.length}\r\n\r\n`
  const request = Buffer.concat([Buffer.from(head), body])
  for (let index = 0; index < CONNECTIONS; index++) {
    const socket = net.connect({ port: Number(port), host: '127.0.0.1', noDelay: true }, () => socket.write(request))
    socket.on('error', () => {})
    socket.on('data', (answer) => {
      if (!answer.toString('latin1', 0, 15).startsWith('HTTP/1.1 200')) throw new Error(answer.toString())
      socket.write(request)
    })
  }
}
