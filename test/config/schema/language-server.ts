import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'

const SERVER = fileURLToPath(
  new URL('../../../node_modules/yaml-language-server/bin/yaml-language-server', import.meta.url),
)
const PATIENCE = 30_000

export interface Diagnostic {
  readonly message: string
  readonly severity: number
  readonly range: { readonly start: { readonly line: number; readonly character: number } }
}

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: unknown
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

/** The YAML language server as an editor runs it: a process that is spoken to over its standard streams. */
export class LanguageServer {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>
  readonly #answers = new Map<number, (message: Message) => void>()
  readonly #diagnosed = new Map<string, (diagnostics: readonly Diagnostic[]) => void>()
  #received = Buffer.alloc(0)
  #count = 0

  private constructor() {
    this.#process = spawn(process.execPath, [SERVER, '--stdio'], { stdio: ['pipe', 'pipe', 'ignore'] })
    this.#process.stdout.on('data', (bytes: Buffer) => this.#take(bytes))
  }

  /** `folder` is what the editor has open. */
  static async start(folder: string): Promise<LanguageServer> {
    const server = new LanguageServer()
    const rootUri = pathToFileURL(folder).href
    const capabilities = { textDocument: { completion: { completionItem: { documentationFormat: ['markdown'] } } } }
    await server.#ask('initialize', {
      processId: process.pid,
      rootUri,
      capabilities,
      workspaceFolders: [{ uri: rootUri, name: 'test' }],
    })
    server.#tell('initialized', {})
    const settings = { yaml: { schemaStore: { enable: false }, hover: true, completion: true, validate: true } }
    server.#tell('workspace/didChangeConfiguration', { settings })
    return server
  }

  /** Opens a document, and resolves to what the server marks in it. */
  async open(path: string, text: string): Promise<readonly Diagnostic[]> {
    const uri = pathToFileURL(path).href
    const { promise, resolve } = Promise.withResolvers<readonly Diagnostic[]>()
    this.#diagnosed.set(uri, resolve)
    this.#tell('textDocument/didOpen', { textDocument: { uri, languageId: 'yaml', version: 1, text } })
    return within(promise, `diagnostics of ${path}`)
  }

  /** What the editor shows beside the pointer; empty where that is nothing. */
  async hover(path: string, line: number, character: number): Promise<string> {
    const hover = await this.#ask('textDocument/hover', at(path, line, character))
    return (hover as { contents: { value: string } } | null)?.contents.value ?? ''
  }

  async completions(path: string, line: number, character: number): Promise<readonly string[]> {
    const list = await this.#ask('textDocument/completion', at(path, line, character))
    return (list as { items: readonly { label: string }[] }).items.map(({ label }) => label)
  }

  async stop(): Promise<void> {
    const exited = once(this.#process, 'exit')
    await this.#ask('shutdown', null)
    this.#tell('exit', null)
    await within(exited, 'the end of the server')
  }

  #tell(method: string, params: unknown): void {
    this.#send({ method, params })
  }

  #ask(method: string, params: unknown): Promise<unknown> {
    const id = ++this.#count
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#answers.set(id, ({ result, error }) => (error ? reject(new Error(error.message)) : resolve(result)))
    this.#send({ id, method, params })
    return within(promise, method)
  }

  #send(message: object): void {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message })
    this.#process.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  }

  #take(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes])
    for (;;) {
      const end = this.#received.indexOf('\r\n\r\n')
      const length = Number(/Content-Length: (\d+)/i.exec(this.#received.toString('latin1', 0, Math.max(end, 0)))?.[1])
      if (end === -1 || this.#received.length < end + 4 + length) return
      const body = this.#received.toString('utf8', end + 4, end + 4 + length)
      this.#received = this.#received.subarray(end + 4 + length)
      this.#hear(JSON.parse(body) as Message)
    }
  }

  #hear({ id, method, params, ...rest }: Message): void {
    if (method === 'textDocument/publishDiagnostics') {
      const { uri, diagnostics } = params as { uri: string; diagnostics: readonly Diagnostic[] }
      this.#diagnosed.get(uri)?.(diagnostics)
    } else if (method !== undefined && id !== undefined) {
      // It asks for settings of each document: there are none but those it was told.
      const { items = [] } = (params ?? {}) as { items?: readonly unknown[] }
      this.#send({ id, result: items.map(() => null) })
    } else if (id !== undefined) this.#answers.get(id)?.(rest)
  }
}

const at = (path: string, line: number, character: number) => ({
  textDocument: { uri: pathToFileURL(path).href },
  position: { line, character },
})

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`waited ${PATIENCE} ms for ${what}`)), PATIENCE)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
