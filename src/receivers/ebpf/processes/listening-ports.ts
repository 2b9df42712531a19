import type { Proc } from './proc.ts'

const NONE: ReadonlySet<number> = new Set()

/** What a namespace listened on when it was last looked at. */
interface Namespace {
  readonly ports: ReadonlyMap<string, number>
  readonly readAt: number
  /** Another one each time that sockets have come or gone. */
  readonly state: number
}

/** How old what is known of a network namespace may be. */
export const PORTS_FRESH_MS = 5_000
/** Network namespaces kept: one for each pod of a large node, and more. */
const NAMESPACES = 1024

/** Which processes listen on which TCP ports, by `/proc`: the sockets of each network namespace, read once for all its processes. */
export class ListeningPorts {
  readonly #proc: Proc
  readonly #now: () => number
  readonly #namespaces = new Map<string, Namespace>()
  #state = 0

  constructor(proc: Proc, now: () => number) {
    this.#proc = proc
    this.#now = now
  }

  /** At most as old as `PORTS_FRESH_MS`; a process that begins to listen meanwhile is found when it is looked at again. */
  of(pid: number): { readonly ports: ReadonlySet<number>; readonly state: number } {
    const namespace = this.#namespaceOf(pid)
    if (!namespace) return { ports: NONE, state: 0 }
    const { ports: all, state } = namespace
    if (all.size === 0) return { ports: NONE, state }
    const ports = new Set<number>()
    for (const inode of this.#proc.sockets(pid)) {
      const port = all.get(inode)
      if (port !== undefined) ports.add(port)
    }
    return { ports, state }
  }

  /** As `of` said: another number when sockets of its namespace have come or gone since. */
  state(pid: number): number {
    return this.#namespaceOf(pid)?.state ?? 0
  }

  #namespaceOf(pid: number): Namespace | undefined {
    const name = this.#proc.networkNamespace(pid)
    if (name === undefined) return undefined
    const known = this.#namespaces.get(name)
    const now = this.#now()
    if (known && now - known.readAt < PORTS_FRESH_MS) return known
    const ports = this.#proc.listening(pid)
    const isSame = known !== undefined && sameKeys(known.ports, ports)
    const found = { ports, readAt: now, state: isSame ? known.state : ++this.#state }
    this.#namespaces.delete(name)
    if (this.#namespaces.size >= NAMESPACES) this.#namespaces.delete(this.#namespaces.keys().next().value as string)
    this.#namespaces.set(name, found)
    return found
  }
}

const sameKeys = (left: ReadonlyMap<string, number>, right: ReadonlyMap<string, number>): boolean =>
  left.size === right.size && [...left.keys()].every((each) => right.has(each))
