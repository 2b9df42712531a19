import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The command-line program; makes certificates. */
const OPENSSL = 'openssl'

/** What the openssl program answers. */
export const openssl = (args: readonly string[], input = ''): string =>
  execFileSync(OPENSSL, args, { input, stdio: ['pipe', 'pipe', 'pipe'] }).toString()

/** Why tests with certificates cannot run here; false where they can. */
export const withoutOpenssl: string | false = (() => {
  try {
    execFileSync(OPENSSL, ['version'], { stdio: 'ignore' })
    return false
  } catch {
    return 'the openssl program is not installed'
  }
})()

export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** A folder with an authority, and certificates that it signed. */
export class Authority implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'telegen-tls-'))
  readonly ca: Certificate

  constructor() {
    this.ca = this.#files('ca')
    this.#openssl(['req', '-x509', ...this.#request('ca', 'Test authority'), '-days', '2'])
  }

  /** A certificate of that common name. */
  sign(name: string, subjectAltName = 'DNS:localhost,IP:127.0.0.1'): Certificate {
    const extensions = join(this.folder, `${name}.ext`)
    writeFileSync(extensions, `subjectAltName=${subjectAltName}\n`)
    const request = join(this.folder, `${name}.csr`)
    const { key } = this.#files(name)
    this.#openssl(['req', '-new', ...this.#request(name, name), '-out', request])
    const { cert } = this.#files(name)
    this.#openssl([...signing(request, this.ca), '-days', '1', '-out', cert, '-extfile', extensions])
    return { cert, key }
  }

  #files(name: string): Certificate {
    return { cert: join(this.folder, `${name}.pem`), key: join(this.folder, `${name}.key`) }
  }

  #request(name: string, subject: string): string[] {
    const { cert, key } = this.#files(name)
    const algorithm = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    return [...algorithm, '-keyout', key, '-out', cert, '-subj', `/CN=${subject}`]
  }

  #openssl(args: readonly string[]): void {
    execFileSync(OPENSSL, args, { stdio: 'pipe' })
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

const signing = (request: string, { cert, key }: Certificate): string[] =>
  `x509 -req -in ${request} -CA ${cert} -CAkey ${key} -CAcreateserial`.split(' ')
