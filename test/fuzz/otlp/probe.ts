/** Loaded into the fuzzed Telegen (`--import`): tells whoever started it how its memory and its event loop are. */
const TICK = 25

let last = performance.now()
let lastCpu = cpu()
let stall = 0

/** Milliseconds of processor time: of this thread, where Node can tell (from 23.9), else of all. */
function cpu(): number {
  const { user, system } = process.threadCpuUsage?.() ?? process.cpuUsage()
  return (user + system) / 1000
}

setInterval(() => {
  const now = performance.now()
  const nowCpu = cpu()
  // The machine may be busy with others: only time in which this process worked is a stall of its own.
  stall = Math.max(stall, Math.min(now - last - TICK, nowCpu - lastCpu))
  last = now
  lastCpu = nowCpu
}, TICK).unref()

process.on('message', (message) => {
  if (message !== 'look') return
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  process.send?.({ heap: heapUsed + external, stall })
  stall = 0
})
process.channel?.unref()
