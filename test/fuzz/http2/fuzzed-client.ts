/** A program around Telegen's gRPC client: makes calls as it is told to, and says how each ended. */
import { Cancellation } from '../../../src/component/cancellation.ts'
import { Block } from '../../../src/component/options.ts'
import { Refused } from '../../../src/component/refused.ts'
import { grpcClientOptions } from '../../../src/transport/grpc-client-options.ts'
import { makeUnaryClient } from '../../../src/transport/grpc.ts'
import { GRPC_PATHS } from '../../../src/transport/otlp-paths.ts'
import type { UnaryClient } from '../../../src/transport/unary.ts'
import { configured } from '../../transport/configured.ts'

/** Whom a client calls. */
export interface Place {
  /** The client's. */
  readonly id: number
  readonly port: number
  /** Over TLS. */
  readonly secure: boolean
}

export interface Task extends Place {
  /** Bytes of the message of each call; all are made at once. */
  readonly calls: readonly number[]
  /** Which of them are cancelled half-way. */
  readonly cancelled: readonly boolean[]
  /** Milliseconds of a call. */
  readonly timeout: number
}

export interface Done {
  readonly id: number
  /** `ok`, the code of a refusal, or what else was thrown. */
  readonly ends: readonly string[]
}

export const CANCELLED_AFTER = 20
/** What messages consist of, and what is written over them once a call has ended: none of that may be sent. */
export const CONTENT = 0x41
export const OVERWRITTEN = 0xee

const options = { config: Block(grpcClientOptions, { description: '' }) }
const clients = new Map<number, UnaryClient>()

// Otherwise what looks on would let the process end.
process.channel?.ref()
process.on('message', (task: Task | { readonly close: number } | 'look') => {
  if (task === 'look') return
  if ('close' in task) {
    clients.get(task.close)?.close()
    clients.delete(task.close)
    return
  }
  void work(task)
})

async function work({ id, port, secure, calls, cancelled, timeout }: Task): Promise<void> {
  const tls = secure ? 'insecure_skip_verify' : 'insecure'
  const yaml = `{ endpoint: '127.0.0.1:${port}', tls: { ${tls}: true }, compression: none }`
  const client = clients.get(id) ?? (await makeUnaryClient(configured(options, yaml)))
  clients.set(id, client)
  const ends = await Promise.all(calls.map((bytes, index) => call(client, bytes, cancelled[index] ?? false, timeout)))
  const done: Done = { id, ends }
  process.send?.(done)
}

async function call(client: UnaryClient, bytes: number, isCancelled: boolean, timeout: number): Promise<string> {
  const message = Buffer.alloc(bytes, CONTENT)
  const abort = new Cancellation()
  const timer = isCancelled ? setTimeout(() => abort.abort(new Error('cancelled')), CANCELLED_AFTER) : undefined
  try {
    await client.call(GRPC_PATHS.traces, [message], { timeout, abort })
    return 'ok'
  } catch (error) {
    return error instanceof Refused ? error.code : `threw ${error instanceof Error ? error.stack : String(error)}`
  } finally {
    clearTimeout(timer)
    message.fill(OVERWRITTEN)
  }
}
