import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { builtInCatalog } from '../../../src/builtin.ts'
import { editorSchema } from '../../../src/config/schema/editor-schema.ts'
import { COMPARED, EXAMPLES } from '../configurations.ts'
import { LanguageServer } from './language-server.ts'

const MODELINE = '# yaml-language-server: $schema=telegen.schema.json\n'

const BROKEN = `${MODELINE}receivers:
  otlp:
    protocols:
      grpc: { endpont: "localhost:4317" }
  otpl:
exporters:
  debug: { verbosity: loud, sampling_initial: "\${env:FEW}" }
  otlp_grpc: { timeout: 5, sending_queue: { enabled: yes } }
service:
  pipelines:
    traces: { receivers: [host_metrics, otlp] }
`

const UNFINISHED = `${MODELINE}receivers:
  otlp:
    protocols:
      grpc:
        
exporters:
  debug:
    verbosity: 
  otlp_grpc:
    timeout: 30s
  
service:
  pipelines:
    metrics:
      receivers: [x]
`

/** Where `word` ends in the line, or where the line does. */
const position = (text: string, line: number, word?: string): readonly [number, number] => {
  const content = text.split('\n')[line] ?? ''
  return [line, word === undefined ? content.length : content.indexOf(word) + 1]
}

describe('the YAML language server with the schema', () => {
  let folder = ''
  let server: LanguageServer
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'telegen-editor-'))
    writeFileSync(join(folder, 'telegen.schema.json'), JSON.stringify(await editorSchema(builtInCatalog())))
    server = await LanguageServer.start(folder)
  })
  after(async () => {
    await server.stop()
    rmSync(folder, { recursive: true })
  })

  const at = (name: string): string => join(folder, name)

  test('marks nothing in the examples and in configurations that are compared with the Collector', async () => {
    const marks = await Promise.all(
      [...EXAMPLES, ...COMPARED].map(async ({ name, text }) => {
        const found = await server.open(at(name.replaceAll('/', '_')), MODELINE + text)
        return found.map(({ message, range }) => `${name}:${range.start.line}: ${message}`)
      }),
    )
    assert.deepEqual(marks.flat(), [])
  })

  test('says what is wrong with a broken one, and where', async () => {
    const found = await server.open(at('broken.yaml'), BROKEN)
    const lines = found.map(({ message, range: { start } }) => `${start.line + 1}:${start.character + 1} ${message}`)
    assert.deepEqual(
      lines.map((line) => line.replace(/Types (that take traces )?are .*/, 'Types …')).sort(),
      [
        '12:5 Missing property "exporters".',
        '12:27 No component can be called so here. Types …',
        '5:15 Property endpont is not allowed.',
        '6:3 Not a receiver: must be a type, or type/name. Types …',
        '8:23 Value is not accepted. Valid values: "basic", "normal", "detailed".',
        '9:25 Must be a duration such as 300ms, 5s or 1h30m.',
        '9:54 Must be true or false.',
      ]
        .map((line) => line.replace(/^(\d+)/, (number) => String(Number(number) + 0)))
        .sort(),
    )
  })

  test('explains types, options and their defaults', async () => {
    await server.open(at('hover.yaml'), UNFINISHED)
    const hover = (line: number, word: string) => server.hover(at('hover.yaml'), ...position(UNFINISHED, line, word))
    assert.match(await hover(2, 'otlp'), /Takes OTLP in over gRPC and HTTP\. \(traces: beta/)
    assert.match(await hover(10, 'timeout'), /How long one attempt to send may take.* Default: 5s\./)
    await server.open(at('word.yaml'), UNFINISHED.replace('verbosity: ', 'verbosity: normal'))
    const word = await server.hover(at('word.yaml'), ...position(UNFINISHED, 8, 'verbosity'))
    assert.match(word, /Allowed Values:[^]*`normal`/)
    assert.match(await hover(13, 'pipelines'), /from receivers through processors to exporters/)
  })

  test('completes options, words, types that are not there yet, and only those that take the signal', async () => {
    await server.open(at('complete.yaml'), UNFINISHED)
    const offered = (line: number, column?: number) => {
      const [row, end] = position(UNFINISHED, line)
      return server.completions(at('complete.yaml'), row, column ?? end)
    }
    const options = await offered(5)
    assert.ok(options.includes('endpoint') && options.includes('max_recv_msg_size_mib'), options.join())
    assert.deepEqual((await offered(8)).slice(0, 3), ['basic', 'normal', 'detailed'])
    const types = await offered(11)
    assert.ok(types.includes('otlp_http') && !types.includes('debug') && !types.includes('otlphttp'), types.join())
    const receivers = await offered(15, UNFINISHED.split('\n')[15]?.indexOf('x'))
    assert.ok(receivers.includes('host_metrics') && receivers.includes('otlp'), receivers.join())
    assert.ok(!receivers.includes('batch'), receivers.join())
  })
})
