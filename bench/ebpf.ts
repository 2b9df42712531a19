/**
 * What does it cost to see into the kernel? `npm run bench -- ebpf ring` answers for the way of an event from the kernel into JavaScript: as many 64-byte events a second
 * as it is told, for as long as it is told, read as the receiver `ebpf` reads them. Needs root, clang, and the native part.
 *
 *   --rate=300000 --seconds=30   events a second, and for how long; without a rate 100,000, 300,000 and 600,000
 *   --quick                      5 seconds each
 */
import { ringBench } from './ebpf/ring.ts'

const RATES = [100_000, 300_000, 600_000]

export default async function ebpf(options: readonly string[]): Promise<void> {
  const value = (name: string): number | undefined => {
    const found = options.find((option) => option.startsWith(`--${name}=`))
    return found === undefined ? undefined : Number(found.slice(name.length + 3))
  }
  if (options[0] !== 'ring') {
    console.error('usage: npm run bench -- ebpf ring [--rate=N] [--seconds=N] [--quick]')
    process.exitCode = 1
    return
  }
  const rate = value('rate')
  const seconds = value('seconds') ?? (options.includes('--quick') ? 5 : 30)
  await ringBench(rate === undefined ? RATES : [rate], seconds)
}
