import type { ExtensionContext, OnRecordsLost } from '../../plugin.ts'
import type { OnLost } from './ledger.ts'

/** One line for each cause and this many milliseconds. */
const QUIET_MS = 60_000

const SENTENCES: Readonly<Record<Parameters<OnLost>[0], string>> = {
  header: 'records are damaged and cannot be found',
  contents: 'records are damaged: their checksum is not that of their contents',
  torn: 'the last record is not whole: its append was cut short by a crash, or the file was',
  missing: 'records are missing: their file is gone, or shorter than it was',
  set_aside: 'records are in files that were set aside',
  read_error: 'records cannot be read from the disk',
  value: 'nothing is sound of what was stored under a name',
}

/** Counts what is damaged, tells whose data it was, and says so once a minute and cause. */
export function damageReport(
  name: string,
  { id, clock, log, meter }: ExtensionContext,
  onLost?: OnRecordsLost,
): OnLost {
  const counter = meter.counter('telegen.storage.damaged.records', {
    unit: '{record}',
    description: 'Records that were damaged on disk, by what is wrong with them.',
  })
  const told = new Map<string, { at: number; records: number; items: number }>()
  return (reason, { records, items, path }) => {
    counter.add(records, { extension: id, name, reason })
    onLost?.({ records, items, reason, message: `${SENTENCES[reason]}: ${path}` })
    const last = told.get(reason)
    const now = clock.monotonic()
    if (last && now - last.at < QUIET_MS) {
      last.records += records
      last.items += items
      return
    }
    told.set(reason, { at: now, records: 0, items: 0 })
    log.error(
      { name, path, records: records + (last?.records ?? 0), items: items + (last?.items ?? 0) },
      `Stored data is lost: ${SENTENCES[reason]}`,
    )
  }
}
