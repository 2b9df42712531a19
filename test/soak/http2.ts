import { FuzzedTelegen } from '../fuzz/otlp/fuzzed-telegen.ts'
import { ScriptedServer } from '../fuzz/http2/scripted-server.ts'
import { Random } from '../fuzz/random.ts'
import { RestlessClient } from './restless-client.ts'
import type { Tally } from './restless-client.ts'

const MEBIBYTE = 2 ** 20
const CLIENTS = 8
/** How often all pause and are looked at, in milliseconds. */
const ROUND = 20_000
/** Looks before the one that all others are held against: what is compiled and pooled by then is not a leak. */
const WARMING = 2
/** By how much what is reachable may grow, and what is resident. */
const MOST_HEAP = 8 * MEBIBYTE
const MOST_MEMORY = 64 * MEBIBYTE
const MOST_DESCRIPTORS = 4
/** Milliseconds in which everything is let go of. */
const SETTLING = 60_000
/** How often the backend ends its connections, one way or the other. */
const BACKEND_MOOD = 3000

interface Look {
  readonly heap: number
  readonly memory: number
  readonly descriptors: number
}

/**
 * Clients that reset, break off, drain and come back, for a long time, against a Telegen whose backend does likewise. Resolves to what is wrong: what grew, what is
 * still charged when nothing is under way, a request that had no answer.
 */
export async function soakHttp2(duration: number, seed: number, print: (line: string) => void): Promise<string[]> {
  const backend = new ScriptedServer([])
  const backendPort = await backend.open()
  const telegen = await FuzzedTelegen.start(backendPort, configuration)
  // What the start took is not the clients'.
  await telegen.look()
  const tally: Tally = {
    answered: 0,
    refused: 0,
    reset: 0,
    brokenOff: 0,
    goneAtOnce: 0,
    drained: 0,
    connections: 0,
    ended: 0,
  }
  const faults: string[] = []
  const looks: Look[] = []
  const end = performance.now() + duration
  const random = new Random(seed)
  let mood = 0
  const moods = setInterval(() => (mood++ % 2 === 0 ? backend.drop() : backend.goAway()), BACKEND_MOOD)
  try {
    for (let round = 0; performance.now() < end && telegen.alive && faults.length === 0; round++) {
      const until = performance.now() + ROUND
      const clients = Array.from({ length: CLIENTS }, () => new RestlessClient(telegen.ports.work.grpc, random, tally))
      const ends = await Promise.allSettled(clients.map((client) => client.run(until)))
      for (const each of ends) if (each.status === 'rejected') faults.push(String(each.reason))
      faults.push(...(await charged(telegen)))
      const { heap, stall } = await telegen.look()
      const look = { heap, memory: telegen.memory, descriptors: telegen.descriptors }
      looks.push(look)
      print(
        `${told(look)}, longest stall ${Math.round(stall)} ms, ${backend.requests} arrived, ${JSON.stringify(tally)}`,
      )
      faults.push(...telegen.errors().slice(0, 5))
    }
    if (!telegen.alive) faults.push(telegen.end)
    faults.push(...grown(looks))
    if (tally.answered === 0 || backend.requests === 0) faults.push('nothing was ever taken')
  } finally {
    clearInterval(moods)
    const code = await telegen.stop()
    backend.close()
    if (code !== 0) faults.push(`exit code ${code}`)
  }
  return faults
}

function grown(looks: readonly Look[]): string[] {
  const [first, last] = [looks[Math.min(WARMING, looks.length - 1)], looks.at(-1)]
  if (first === undefined || last === undefined) return ['nobody looked']
  const isFlat =
    last.heap - first.heap <= MOST_HEAP &&
    last.memory - first.memory <= MOST_MEMORY &&
    last.descriptors - first.descriptors <= MOST_DESCRIPTORS
  return isFlat ? [] : [`it grows: ${told(first)} at first, ${told(last)} at last`]
}

async function charged(telegen: FuzzedTelegen): Promise<string[]> {
  for (const end = performance.now() + SETTLING; ;) {
    const bytes = await telegen.charged()
    if (bytes === 0) return []
    if (performance.now() > end) return [`${bytes} bytes are charged for nothing:\n${await telegen.metrics()}`]
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const told = ({ heap, memory, descriptors }: Look): string =>
  `${(heap / MEBIBYTE).toFixed(1)} MiB reachable, ${(memory / MEBIBYTE).toFixed(0)} MiB resident, ${descriptors} descriptors`

const configuration = ({ work }: FuzzedTelegen['ports'], backend: number, metrics: number): string => `
receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:${work.grpc}" } } } }
processors: { batch: { timeout: 20ms } }
exporters: { otlp_grpc: { endpoint: "127.0.0.1:${backend}", tls: { insecure: true }, compression: none, retry_on_failure: { initial_interval: 50ms, max_interval: 200ms } } }
service:
  telemetry: { metrics: { readers: [{ pull: { exporter: { prometheus: { host: 127.0.0.1, port: ${metrics} } } } }] } }
  pipelines: { traces: { receivers: [otlp], processors: [batch], exporters: [otlp_grpc] } }
`
