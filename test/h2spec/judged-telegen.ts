import { fileURLToPath } from 'node:url'
import { freePorts } from '../free-ports.ts'

process.env['TELEGEN_MAIN'] ??= fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const { Telegen } = await import('../e2e/telegen.ts')

export interface JudgedTelegen {
  readonly plain: number
  readonly secure: number | undefined
  stop(): Promise<number | null>
}

/** A Telegen, from source, that takes OTLP over gRPC in the clear, and over TLS where it has a certificate. */
export async function startTelegen(certificate?: {
  readonly cert: string
  readonly key: string
}): Promise<JudgedTelegen> {
  const [plain, secure] = (await freePorts(2)) as [number, number]
  const tls = certificate === undefined ? '' : secureReceiver(secure, certificate.cert, certificate.key)
  const telegen = await Telegen.start(`
receivers:
  otlp: { protocols: { grpc: { endpoint: '127.0.0.1:${plain}' } } }${tls}
exporters: { nop: }
service: { pipelines: { traces: { receivers: [otlp${tls === '' ? '' : ', otlp/tls'}], exporters: [nop] } } }
`)
  return { plain, secure: certificate && secure, stop: () => telegen.stop() }
}

const secureReceiver = (port: number, cert: string, key: string): string => `
  otlp/tls: { protocols: { grpc: { endpoint: '127.0.0.1:${port}', tls: { cert_file: '${cert}', key_file: '${key}' } } } }`
