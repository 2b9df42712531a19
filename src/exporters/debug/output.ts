import type { Writable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { Refused } from '../../plugin.ts'
import type { Log } from '../../plugin.ts'

/** Where the exporter shows things. */
export interface Output {
  /** One line: what kind of data, and counts by name. */
  line(title: string, counts: Readonly<Record<string, number>>, abort: AbortSignal): Promise<void>
  /** Whole lines, each with its line end; `last`: they end what is shown of a batch. */
  text(lines: string, last: boolean, abort: AbortSignal): Promise<void>
  open(): void
  close(): void
}

export function logOutput(log: Log): Output {
  return {
    async line(title, counts) {
      log.info(counts, title)
    },
    async text(lines) {
      log.info({}, lines)
      // Logging does not wait for anybody, and other work must come in between.
      await setImmediate()
    },
    open() {},
    close() {},
  }
}

/** Nothing but what is shown: as the Collector writes it, no time stands before it, and an empty line ends the text of a batch. */
export function streamOutput(streams: readonly Writable[]): Output {
  const writeAll = async (text: string, abort: AbortSignal) => {
    await Promise.all(streams.map((stream) => write(stream, text, abort)))
  }
  // Each write hears of its own failure; without a listener the stream's would end the process.
  const heard = () => {}
  return {
    line: (title, counts, abort) => writeAll(`${title}\t${spaced(counts)}\n`, abort),
    text: (lines, last, abort) => writeAll(last ? `${lines}\n` : lines, abort),
    open: () => streams.forEach((stream) => stream.on('error', heard)),
    close: () => streams.forEach((stream) => stream.off('error', heard)),
  }
}

const spaced = (counts: Readonly<Record<string, number>>): string =>
  `{${Object.entries(counts)
    .map(([name, count]) => `${JSON.stringify(name)}: ${count}`)
    .join(', ')}}`

function write(stream: Writable, text: string, abort: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(new Refused('nobody reads the output', { code: 'cancelled', retry: {} }))
    if (abort.aborted) return aborted()
    abort.addEventListener('abort', aborted, { once: true })
    stream.write(text, (error) => {
      abort.removeEventListener('abort', aborted)
      if (!error) return resolve()
      reject(
        new Refused(`writing the output failed: ${error.message}`, {
          code: 'unavailable',
          retry: 'never',
          cause: error,
        }),
      )
    })
  })
}
