import type { Addon } from '../addon.ts'
import type { StatisticsKeeper } from '../in-process.ts'

/** Statistics for several agents: enabled while one of them wants them. To be made before CAP_SYS_ADMIN is given up. */
export function countedStatistics({ statisticsKeeper }: Addon): StatisticsKeeper {
  const keeper = statisticsKeeper.start()
  let wanted = 0
  return {
    enable() {
      if (wanted === 0) statisticsKeeper.keep(keeper, true)
      wanted++
      let ended = false
      return () => {
        if (ended) return
        ended = true
        if (--wanted === 0) statisticsKeeper.keep(keeper, false)
      }
    },
  }
}

/** Of a loader that was not told to keep them. */
export const noStatistics: StatisticsKeeper = {
  enable() {
    throw new Error('the loader was started without --stats')
  },
}
