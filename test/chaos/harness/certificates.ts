import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Why there are none. */
export const withoutOpenssl = (): string | undefined =>
  spawnSync('openssl', ['version']).status === 0 ? undefined : 'openssl is not here'

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

export interface Leaf {
  readonly certFile: string
  readonly keyFile: string
  readonly cert: string
  readonly key: string
}

/** A certificate authority of its own, in files of a folder. */
export class Authority {
  readonly file: string
  readonly pem: string
  readonly #directory: string
  readonly #name: string

  constructor(directory: string, name: string) {
    this.#directory = directory
    this.#name = name
    this.file = join(directory, `${name}.pem`)
    const request = ['req', '-x509', ...KEY, '-days', '2', '-subj', `/CN=${name}`]
    openssl(directory, [...request, '-keyout', `${name}.key`, '-out', `${name}.pem`])
    this.pem = readFileSync(this.file, 'utf8')
  }

  /** For 127.0.0.1 and localhost, unless told otherwise; `days` below 0 is expired. */
  leaf(name: string, { subject = 'IP:127.0.0.1,DNS:localhost', expired = false } = {}): Leaf {
    const at = (suffix: string) => join(this.#directory, `${name}.${suffix}`)
    const request = ['req', '-new', ...KEY, '-subj', `/CN=${name}`]
    openssl(this.#directory, [...request, '-keyout', `${name}.key`, '-out', `${name}.csr`])
    writeFileSync(at('ext'), `subjectAltName=${subject}\n`)
    const authority = ['-CA', `${this.#name}.pem`, '-CAkey', `${this.#name}.key`, '-CAcreateserial']
    // A certificate of no days has expired when it is read.
    const signing = ['x509', '-req', '-in', `${name}.csr`, ...authority, '-days', expired ? '0' : '1']
    openssl(this.#directory, [...signing, '-extfile', `${name}.ext`, '-out', `${name}.pem`])
    const certFile = at('pem')
    const keyFile = at('key')
    return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
  }
}

function openssl(cwd: string, args: readonly string[]): void {
  execFileSync('openssl', args, { cwd, stdio: 'pipe' })
}
