import { Refused } from '../../plugin.ts'
import type { Batch, Exporter, ExporterContext, SendOptions } from '../../plugin.ts'
import { encoded } from './encode.ts'
import type { FileConfig } from './options.ts'
import { RotatingFile } from './rotating-file.ts'

/** Writes batches one after the other. What is acknowledged has been handed to the system, and is on disk after a rotation or the stop. */
export function fileExporter({ config, clock, log }: ExporterContext<FileConfig>): Exporter {
  const file = new RotatingFile(config, clock, log)
  let last: Promise<void> = Promise.resolve()
  let stopped = false

  /** Encoded when it is its turn, so that the text of one batch is there at a time. */
  const write = async (batch: Batch, { abort }: SendOptions): Promise<void> => {
    if (abort.aborted) throw new Refused('the file was not written in time', { code: 'cancelled', retry: {} })
    await encoded(batch, config, (pieces) =>
      file.write(pieces).catch((error: NodeJS.ErrnoException) => {
        throw refusalFor(error, config.path)
      }),
    )
  }

  return {
    start: () => file.open(),
    async stop() {
      await last
      stopped = true
      await file.close()
    },
    send(batch, options) {
      if (stopped) return Promise.reject(new Refused('the file has been closed', { code: 'unavailable', retry: {} }))
      const writing = last.then(() => write(batch, options))
      last = writing.catch(() => {})
      return writing
    },
  }
}

const NO_ROOM = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** All of it may pass: room is made, permissions are given back, a disk is mounted again. */
function refusalFor(error: NodeJS.ErrnoException, path: string): Refused {
  const code = NO_ROOM.has(error.code ?? '') ? 'resource_exhausted' : 'unavailable'
  return new Refused(`writing ${path} failed: ${error.message}`, { code, retry: {}, cause: error })
}
