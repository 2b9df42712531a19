import type net from 'node:net'
import type { Log } from '../component/context.ts'
import { addressText } from './address.ts'
import type { ListenAddress } from './address.ts'
import { Acceptor } from './acceptor.ts'
import { bindAddress, bindError, removeStale } from './bind.ts'
import type { BindAddress } from './bind.ts'
import { isShared, mustBeFree, wasFree } from './shared-addresses.ts'

/** A server that connections come to. */
export interface Listening {
  /** Where it really listens: a port 0 is resolved. */
  readonly address: ListenAddress
  /** Connections that came to this server and are open. Those of TLS are the ones below it. */
  readonly connections: ReadonlySet<net.Socket>
  /** After `close`: whether another server listens there now. */
  readonly isTaken: boolean
  /** The process may end while it listens. */
  unref(): void
  /** No further connection comes from the call on. Resolves when those that came have ended, which is the server's to bring about. */
  close(): Promise<void>
}

/**
 * Lets connections come to `server`, of whatever protocol: its event `connection` is emitted, and it must not listen itself. Its
 * `maxConnections` holds. Rejects in the Collector's words. What fails later is logged and costs that connection alone.
 *
 * ```ts
 * const listening = await listen(http.createServer(answer), listenAddress('localhost:80', 'tcp'), log)
 * ```
 */
export async function listen(server: net.Server, address: ListenAddress, log: Log): Promise<Listening> {
  const { acceptor, asked } = await acceptorOf(address)
  const connections = new Set<net.Socket>()
  let ended = () => {}
  const take = (socket: net.Socket) => {
    connections.add(socket)
    socket.once('close', () => {
      connections.delete(socket)
      if (connections.size === 0) ended()
    })
    server.emit('connection', socket)
  }
  // node:http begins to watch its time limits then.
  server.emit('listening')
  const { allowHalfOpen = false } = server as { allowHalfOpen?: boolean }
  const taker = { take, allowHalfOpen, maxConnections: server.maxConnections ?? Infinity, log }
  acceptor.attach(taker)
  const bound = acceptor.address as net.AddressInfo
  let closed: Promise<void> | undefined
  const close = () => {
    letGo(acceptor, asked)
    return new Promise<void>((resolve) => (connections.size === 0 ? resolve() : (ended = resolve)))
  }
  return {
    address: address.kind === 'unix' ? address : { ...address, port: bound.port },
    connections,
    get isTaken() {
      return acceptor.taker !== undefined && acceptor.taker !== taker
    },
    unref: () => acceptor.unref(),
    close: () => (closed ??= close()),
  }
}

/** Acceptors that are held without a server, with what they were asked to listen at. */
const held = new Map<Acceptor, BindAddress>()
let holds = 0

/**
 * Until the returned function is called, an address whose server closes is still listened at. Connections that come meanwhile wait,
 * unread, for the next server that listens there, be the address written as before or as it was bound: a server of port 0 has its
 * port again. What nobody took is closed at the release. Holds may overlap; the last release counts.
 */
export function holdListeners(): () => Promise<void> {
  holds++
  let isHeld = true
  return async () => {
    if (!isHeld) return
    isHeld = false
    if (--holds > 0) return
    for (const acceptor of held.keys()) drop(acceptor)
  }
}

function letGo(acceptor: Acceptor, asked: BindAddress): void {
  acceptor.detach()
  if (holds > 0) held.set(acceptor, asked)
  else acceptor.close()
}

function drop(acceptor: Acceptor): void {
  held.delete(acceptor)
  acceptor.close()
}

async function acceptorOf(address: ListenAddress): Promise<{ acceptor: Acceptor; asked: BindAddress }> {
  try {
    const asked = await bindAddress(address)
    const acceptor = heldAt(asked) ?? (await boundAt(address, asked))
    held.delete(acceptor)
    return { acceptor, asked }
  } catch (cause) {
    throw bindError(address, cause as NodeJS.ErrnoException)
  }
}

/** Two servers may ask for port 0: each takes another one. */
function heldAt(asked: BindAddress): Acceptor | undefined {
  for (const [acceptor, before] of held) if (isSame(asked, before)) return acceptor
  for (const acceptor of held.keys()) if (isBoundAt(acceptor, asked)) return acceptor
  return undefined
}

const isSame = (one: BindAddress, other: BindAddress): boolean =>
  'path' in one || 'path' in other
    ? 'path' in one && 'path' in other && one.path === other.path
    : one.port === other.port && one.host === other.host && one.ipv6Only === other.ipv6Only

function isBoundAt({ address }: Acceptor, asked: BindAddress): boolean {
  if ('path' in asked || typeof address === 'string' || address === null) return false
  return address.port === asked.port && address.address === asked.host
}

/** Where several processes listen, each has a socket of its own. */
async function boundAt(address: ListenAddress, asked: BindAddress): Promise<Acceptor> {
  const text = addressText(address)
  if ('path' in asked || !isShared(text)) return bound(asked)
  if (mustBeFree(text)) {
    const alone = await bound(asked)
    alone.close()
    wasFree(text)
  }
  return bound({ ...asked, reusePort: true })
}

async function bound(asked: BindAddress): Promise<Acceptor> {
  if ('path' in asked) await removeStale(asked.path)
  try {
    return await opened(asked)
  } catch (error) {
    // What is held for nobody any more must not be in the way: every interface was listened at, and now one shall be.
    const rivals = (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? rivalsOf(asked) : []
    if (rivals.length === 0) throw error
    rivals.forEach(drop)
    return opened(asked)
  }
}

async function opened(asked: BindAddress): Promise<Acceptor> {
  const acceptor = new Acceptor()
  await acceptor.listen(asked)
  return acceptor
}

const rivalsOf = (asked: BindAddress): readonly Acceptor[] =>
  [...held.keys()].filter(
    ({ address }) => !('path' in asked) && typeof address === 'object' && address?.port === asked.port,
  )
