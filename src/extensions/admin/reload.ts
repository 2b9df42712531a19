import type { ReloadReport } from '../../plugin.ts'
import { json } from './answer.ts'
import type { Answer } from './answer.ts'
import type { Asked } from './route.ts'
import { timeOf } from './status.ts'

/** `refused` is the configuration's fault, and whoever wrote it can mend it; the others are of this side. */
const STATUSES: Readonly<Record<ReloadReport['outcome'], number>> = {
  unchanged: 200,
  reloaded: 200,
  refused: 422,
  rolled_back: 500,
  failed: 500,
}

export async function reload({ control, request, context }: Asked): Promise<Answer> {
  context.log.info({ peer: request.socket.remoteAddress }, 'A reload was asked for')
  const report = await control.reload()
  return json({ ...report, at: timeOf(report.at) }, STATUSES[report.outcome])
}
