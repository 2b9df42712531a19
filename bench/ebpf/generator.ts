/** A process whose system calls become events: told how many a second, it makes them in even steps. */
export interface Pace {
  readonly rate: number
  readonly seconds: number
  /** Events that each call becomes. */
  readonly burst: number
}

const STEP_MS = 1

process.once('message', ({ rate, seconds, burst }: Pace) => {
  const all = Math.round((rate * seconds) / burst)
  const began = performance.now()
  let calls = 0
  let parents = 0
  const step = () => {
    const due = Math.min(all, Math.round(((performance.now() - began) / 1000) * (rate / burst)))
    for (; calls < due; calls++) parents += process.ppid
    if (calls < all) setTimeout(step, STEP_MS)
    else process.send?.({ calls, parents })
  }
  step()
})
