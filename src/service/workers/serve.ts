import { CreateFailed } from '../../graph/components.ts'
import { messagesOf } from '../fault-lines.ts'
import type { Failure, FromWorker, ToWorker } from './messages.ts'
import { Worker } from './worker.ts'
import type { WorkerOptions } from './worker.ts'

/** How long what is left may take to be sent where the first process is gone, in milliseconds: a new one may be about to start. */
const ORPHAN_DRAIN = 5_000

/** Lets this process be a worker of the one that has forked it, until that has stopped it or is gone. Resolves to the exit code. */
export async function serveAsWorker(options: Omit<WorkerOptions, 'onTapped'>): Promise<number> {
  const { promise: over, resolve: end } = Promise.withResolvers<number>()
  const send = (message: FromWorker, sent?: () => void) =>
    process.connected ? process.send?.(message, () => sent?.()) : sent?.()
  const worker = new Worker({ ...options, onTapped: (tap, tapped) => void send({ kind: 'tapped', tap, ...tapped }) })
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'tell') return worker.hear(message.word)
    const { id, request } = message
    const last = request.kind === 'stop' ? () => end(0) : undefined
    worker.answer(request).then(
      (value) => void send({ kind: 'answer', id, value }, last),
      (error: unknown) => void send({ kind: 'failure', id, failure: failureOf(error) }, last),
    )
  })
  process.once('disconnect', () => {
    worker.log?.error({}, 'The first process is gone: this worker stops')
    setTimeout(() => worker.hear({ kind: 'hurry' }), ORPHAN_DRAIN).unref()
    worker.answer({ kind: 'stop' }).then(
      () => end(1),
      () => end(1),
    )
  })
  // A terminal, and whoever ends a whole group of processes, signals this one too: the first process says what is to be done.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  for (const event of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(event, (error: unknown) => {
      const text = error instanceof Error ? error.stack : String(error)
      if (worker.log) worker.log.error({ error: text }, 'A component threw where nobody could catch it')
      else process.stderr.write(`${text}\n`)
    })
  return over
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof CreateFailed)) return { messages: messagesOf(error) }
  return { messages: messagesOf(error.cause), component: { kind: error.kind, id: error.id } }
}
