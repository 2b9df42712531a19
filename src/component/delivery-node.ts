import type { Batch } from '../data/batch.ts'
import type { Signal } from '../data/signal.ts'
import type { Chain, Linked } from './chain.ts'
import { DELIVERED, DISCARDED, STORED } from './delivery.ts'
import type { Delivery, Level, Origin, Outcome } from './delivery.ts'
import { Refused } from './refused.ts'

/** Who has a delivery now: a stage, a queue. The engine moves deliveries from holder to holder and so knows where each is. */
export interface Holder {
  /** The component's id: what it refuses is counted under it. */
  readonly id: string
  /** For messages: `processor "x" in pipeline "traces/in"`. */
  readonly name: string
  readonly held: Chain<DeliveryNode>
  /** Told of a second end, an end of something that was passed on, and the like. Must not throw. */
  misuse(what: string): void
}

/** The receiver's side of a root: what it owes to its sender, and what it hears. */
export interface RootObserver {
  /** The level at which the sender is told that its data was taken. */
  readonly acknowledge: Level
  /** Once at most: the level that is owed has been reached, and the sender is told that its data was taken. */
  acknowledged?(items: number): void
  /** Once, when all parts have ended; `acknowledged` says whether the sender had been told that its data was taken. */
  ended(outcome: Outcome, items: number, acknowledged: boolean): void
  /** A part was refused whose sender has been told that it was taken, then or later: nobody will send it again. Once for each part. */
  lost(part: LostPart, refused: Refused): void
}

export type LostPart = Pick<Batch, 'signal' | 'items'>

/** A refused part: lost as soon as one sender whose data is in it has been told otherwise. */
interface Loss {
  readonly part: LostPart
  readonly refused: Refused
  counted: boolean
}

interface Waiter {
  readonly rank: number
  readonly resolve: () => void
  readonly reject: (refused: Refused) => void
}

const NONE = 0
const NOBODY: readonly DeliveryNode[] = []
const ACCEPTED_RANK = 1
const DURABLE_RANK = 2
const DELIVERED_RANK = 3
const rankOf = (level: Level): number =>
  level === 'accepted' ? ACCEPTED_RANK : level === 'durable' ? DURABLE_RANK : DELIVERED_RANK
const UNTOLD = new Refused('it is on disk, and when it is delivered from there is not told', {
  code: 'failed_precondition',
  retry: 'never',
})

/** Parts that a delivery was turned into answer for it; it has the lowest level and the worst end among them. */
interface Parts {
  nodes: readonly DeliveryNode[]
  open: number
  worst: Outcome | undefined
}

/** The only implementation of `Delivery`; made by the ingress (`rootDelivery`) and by `compose.ts`. */
export class DeliveryNode<S extends Signal = Signal> implements Delivery<S>, Linked<DeliveryNode> {
  /** Of this very delivery: `rewrite` puts another in its place. */
  batch: Batch<S>
  readonly origin: Origin
  /** What came, whatever it has been rewritten to. */
  readonly #items: number
  #parents: readonly DeliveryNode[]
  readonly #observer: RootObserver | undefined
  #parts: Parts | undefined
  #rank: number = NONE
  /** Levels above this rank can no longer be reached, because a part was refused; `#refusal` says why. */
  #ceiling: number = DELIVERED_RANK
  #refusal: Refused | undefined
  #outcome: Outcome | undefined
  #waiters: Waiter[] | undefined
  #holder: Holder | undefined
  /** Who had it last: a second end is theirs. */
  #blame: Holder | undefined
  /** Of a root whose sender has no answer yet. */
  #losses: Loss[] | undefined
  /** Whether the holder has announced that it answers for it. */
  #inCustody = false
  #whenEnded: ((outcome: Outcome, isStored: boolean) => void) | undefined
  /** Whether it, or some of what it was turned into, ended as stored. */
  #isStored = false
  #hasMemory = true
  /** Of its holder's `held`. */
  chain: Chain<DeliveryNode> | undefined
  next: DeliveryNode | undefined
  previous: DeliveryNode | undefined
  /** When the watchdog first saw it with this holder. */
  seenAt: number | undefined
  /** Whether all of it is in a queue on disk as well: its holder says so, and it is so of what is made of nothing else. */
  isOnDisk: boolean

  constructor(batch: Batch<S>, origin: Origin, parents: readonly DeliveryNode[], observer?: RootObserver) {
    this.batch = batch
    this.origin = origin
    this.#items = batch.items
    this.#parents = parents
    this.#observer = observer
    this.isOnDisk = parents.length > 0 && parents.every((parent) => parent.isOnDisk)
    if (parents.length === 0) return
    const holder = parents[0]?.holder
    if (holder === undefined) return
    this.hold(holder)
    this.#inCustody = parents.every((parent) => parent.#inCustody)
  }

  get holder(): Holder | undefined {
    return this.#holder
  }

  get ended(): boolean {
    return this.#outcome !== undefined
  }

  /** Whether its holder has taken custody of it, or of what it was made from. */
  get inCustody(): boolean {
    return this.#inCustody
  }

  /** Whether a sender upstream has been told already that its data was taken: to refuse it now is to lose it. */
  get isPromised(): boolean {
    if (this.#observer !== undefined && this.#rank >= rankOf(this.#observer.acknowledge)) return true
    return this.#parents.some((parent) => parent.isPromised)
  }

  /** Whether somebody upstream still waits for `level`. */
  awaits(level: Level): boolean {
    const rank = rankOf(level)
    if (this.#rank >= rank) return false
    if (this.#observer !== undefined && rankOf(this.#observer.acknowledge) >= rank) return true
    if (this.#waiters?.some((waiter) => waiter.rank >= rank)) return true
    return this.#parents.some((parent) => parent.awaits(level))
  }

  /** Gives the memory back while it stays open: its holder has the bytes elsewhere. The batch is not to be read any more. */
  letGo(): void {
    if (this.#parts || this.#outcome) return void this.#misused('let go of a delivery that it no longer had')
    this.#release()
  }

  /**
   * Calls `run` once, when it has ended, or all that it was turned into; `isStored` says whether any of that ended as stored, whatever the
   * worst end was. One caller at most, who comes last: a queue, for the room.
   */
  whenEnded(run: (outcome: Outcome, isStored: boolean) => void): void {
    this.#whenEnded = run
  }

  /** Moves it to `holder`. */
  hold(holder: Holder | undefined): void {
    if (this.#holder === holder) return
    this.#holder?.held.delete(this)
    this.#blame = this.#holder ?? this.#blame
    this.#holder = holder
    this.#inCustody = false
    if (holder === undefined) return
    holder.held.add(this)
    this.seenAt = undefined
  }

  /** Throws where it has ended or been turned into others already; `batches`, which nobody would own then, are released. */
  requireOpen(batches: readonly Batch[]): void {
    if (!this.#parts && !this.#outcome) return
    for (const batch of batches) batch.release()
    throw new Error(this.#misused('turned a delivery into others after it had ended or been passed on'))
  }

  /**
   * Puts `batch`, the same data changed, in the place of its own, whose memory it gives back. As `replace`, and for less: whoever does it must
   * be the only one who knows the delivery.
   */
  rewrite(batch: Batch<S>): void {
    this.requireOpen([batch])
    this.#release()
    this.batch = batch
    this.#hasMemory = true
  }

  /** Lets `nodes` answer for this one from now on. Its batch is released: the parts own theirs. `requireOpen` was asked before. */
  turnInto(nodes: readonly DeliveryNode[]): void {
    if (this.#parts) return void this.#misused('merged a delivery with itself')
    this.#parts = { nodes, open: nodes.length, worst: undefined }
    this.hold(undefined)
    this.#release()
  }

  reach(level: Level): void {
    if (this.#parts) return void this.#misused(`announced ${level} for a delivery that it had turned into others`)
    this.#inCustody = true
    this.#raise(rankOf(level))
  }

  end(outcome: Outcome): void {
    if (this.#outcome) return void this.#misused('ended a delivery twice')
    if (this.#parts) return void this.#misused('ended a delivery that it had turned into others')
    if (outcome instanceof Refused) outcome.component ??= this.#holder?.id
    this.hold(undefined)
    if (outcome instanceof Refused) {
      const { signal, items } = this.batch
      this.#lose({ part: { signal, items }, refused: outcome, counted: false })
    }
    this.#finish(outcome)
    this.#release()
  }

  hasReached(level: Level): boolean {
    return this.#rank >= rankOf(level)
  }

  reached(level: Level): Promise<void> {
    const rank = rankOf(level)
    if (this.#rank >= rank) return Promise.resolve()
    if (this.#ceiling < rank) return Promise.reject(this.#refusal)
    return new Promise((resolve, reject) => {
      const waiter = { rank, resolve, reject }
      if (this.#waiters) this.#waiters.push(waiter)
      else this.#waiters = [waiter]
    })
  }

  #release(): void {
    if (!this.#hasMemory) return
    this.#hasMemory = false
    this.batch.release()
  }

  #raise(rank: number): void {
    const reachable = Math.min(rank, this.#ceiling)
    if (reachable <= this.#rank) return
    const before = this.#rank
    this.#rank = reachable
    this.#settleWaiters()
    if (this.#observer) this.#acknowledge(this.#observer, before)
    for (const parent of this.#parents) parent.#partRose()
  }

  #acknowledge(observer: RootObserver, before: number): void {
    const owed = rankOf(observer.acknowledge)
    if (this.#rank < owed) return
    if (before < owed) observer.acknowledged?.(this.#items)
    if (this.#losses === undefined) return
    for (const loss of this.#losses) this.#countLoss(loss)
    this.#losses = undefined
  }

  #finish(outcome: Outcome): void {
    this.#outcome = outcome
    if (!(outcome instanceof Refused) && outcome.kind === 'stored') this.#isStored = true
    if (outcome instanceof Refused) this.#lower(outcome, this.#rank)
    else if (outcome.kind === 'stored') {
      this.#raise(DURABLE_RANK)
      this.#lower(UNTOLD, DURABLE_RANK)
    } else this.#raise(DELIVERED_RANK)
    const parents = this.#parents
    // Whoever still knows this node must not keep its whole family alive: batches that overlap form an endless chain.
    this.#parents = NOBODY
    if (this.#parts) this.#parts.nodes = NOBODY
    for (const parent of parents) parent.#partEnded(outcome, this.#isStored)
    const observer = this.#observer
    observer?.ended(outcome, this.#items, this.#rank >= rankOf(observer.acknowledge))
    this.#whenEnded?.(outcome, this.#isStored)
  }

  /** Nothing above `rank` can be reached any more, nor above what has been announced here before. */
  #lower(refused: Refused, rank: number): void {
    const ceiling = Math.max(rank, this.#rank)
    if (ceiling >= this.#ceiling) return
    this.#ceiling = ceiling
    this.#refusal = refused
    this.#settleWaiters()
    for (const parent of this.#parents) parent.#lower(refused, ceiling)
  }

  /** Tells the roots of a loss: at once where the sender has its answer, else when it gets a good one although this part was refused. */
  #lose(loss: Loss): void {
    for (const parent of this.#parents) parent.#lose(loss)
    if (this.#observer === undefined) return
    if (this.#rank >= rankOf(this.#observer.acknowledge)) this.#countLoss(loss)
    else if (this.#losses) this.#losses.push(loss)
    else this.#losses = [loss]
  }

  #countLoss(loss: Loss): void {
    if (loss.counted) return
    loss.counted = true
    this.#observer?.lost(loss.part, loss.refused)
  }

  #partRose(): void {
    const { nodes } = this.#parts as Parts
    let lowest: number = DELIVERED_RANK
    for (const node of nodes) if (node.#rank < lowest) lowest = node.#rank
    this.#raise(lowest)
  }

  #partEnded(outcome: Outcome, isStored: boolean): void {
    const parts = this.#parts as Parts
    this.#isStored ||= isStored
    parts.worst = parts.worst === undefined ? outcome : worse(parts.worst, outcome)
    if (--parts.open === 0) this.#finish(parts.worst)
  }

  #settleWaiters(): void {
    if (this.#waiters === undefined) return
    let waiting: Waiter[] | undefined
    for (const waiter of this.#waiters) {
      if (waiter.rank <= this.#rank) waiter.resolve()
      else if (waiter.rank > this.#ceiling) waiter.reject(this.#refusal as Refused)
      else (waiting ??= []).push(waiter)
    }
    this.#waiters = waiting
  }

  #misused(what: string): string {
    const holder = this.#holder ?? this.#blame
    holder?.misuse(what)
    return `${holder?.name ?? 'a stage'} ${what}`
  }
}

/** A refusal is worse than success, and one that can be retried worse than one that cannot: something can still be saved. */
function worse(left: Outcome, right: Outcome): Outcome {
  if (left instanceof Refused) return right instanceof Refused && right.retryable && !left.retryable ? right : left
  if (right instanceof Refused) return right
  if (left.kind === 'stored' || right.kind === 'stored') return STORED
  return left.kind === 'discarded' && right.kind === 'discarded' ? DISCARDED : DELIVERED
}

/** The delivery that a receiver emits. Takes over the caller's reference to the batch. */
export const rootDelivery = <S extends Signal>(
  batch: Batch<S>,
  origin: Origin,
  observer?: RootObserver,
): DeliveryNode<S> => new DeliveryNode(batch, origin, NOBODY, observer)
