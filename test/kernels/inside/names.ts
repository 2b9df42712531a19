import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import type { Query } from '../findings.ts'

const ADDRESS = [192, 0, 2, 7]
const KNOWN = 'known.test'
const UNKNOWN = 'unknown.test'

/** RFC 1035, 4.1. */
const HEADER_BYTES = 12
const RESPONSE_RECURSIVE = 0x81_80
const NO_SUCH_NAME = 3

/** Serves names for as long as `during` takes. */
export async function answerQueries<Result>(port: number, during: () => Promise<Result>): Promise<Result> {
  const server = createSocket('udp4')
  server.on('message', (query, { port: asker }) => answer(server, query, asker))
  server.bind(port, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await during()
  } finally {
    server.close()
  }
}

export async function ask(port: number): Promise<Query[]> {
  const resolver = new Resolver({ timeout: 30_000, tries: 1 })
  resolver.setServers([`127.0.0.1:${port}`])
  const addresses = await resolver.resolve4(KNOWN)
  const code = await resolver.resolve4(UNKNOWN).then(
    () => 'NOERROR',
    ({ code: said }: NodeJS.ErrnoException) => (said === 'ENOTFOUND' ? 'NXDOMAIN' : String(said)),
  )
  return [
    { name: KNOWN, code: 'NOERROR', addresses },
    { name: UNKNOWN, code, addresses: [] },
  ]
}

function answer(server: Socket, query: Buffer, asker: number): void {
  const end = query.indexOf(0, HEADER_BYTES) + 5
  const question = query.subarray(HEADER_BYTES, end)
  const isKnown = question[1] === KNOWN.charCodeAt(0)
  const header = Buffer.alloc(HEADER_BYTES)
  query.copy(header, 0, 0, 2)
  header.writeUInt16BE(RESPONSE_RECURSIVE | (isKnown ? 0 : NO_SUCH_NAME), 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(isKnown ? 1 : 0, 6)
  const record = Buffer.from([0xc0, HEADER_BYTES, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...ADDRESS])
  server.send(Buffer.concat(isKnown ? [header, question, record] : [header, question]), asker, '127.0.0.1')
}
