import type { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { OptionFault } from '../component/definition.ts'
import type { ClientTls, ServerTls } from './tls-options.ts'

/** What is wrong with certificates and keys, for `inspect`: unreadable, no PEM, not of each other. Contents are never shown. */
export function* inspectTls(tls: ClientTls | ServerTls | undefined, path: OptionFault['path']): Generator<OptionFault> {
  if (tls === undefined) return
  const found = new Map<Kind, Piece>()
  for (const { kind, text } of PIECES) {
    const piece = pieceOf(kind, tls)
    if (piece === undefined) continue
    const { option } = piece
    try {
      text(piece.text())
      found.set(kind, piece)
    } catch (error) {
      yield { path: [...path, option], message: `tls: ${sentence(piece, error)}` }
    }
  }
  const [cert, key] = [found.get('cert'), found.get('key')]
  if (cert && key && !belongs(key.text(), cert.text()))
    yield {
      path: [...path, key.option],
      message: 'failed to load TLS cert and key: tls: private key does not match public key',
      hint: `the key is not the one of ${cert.option}`,
    }
}

type Kind = 'ca' | 'cert' | 'key' | 'client_ca'

interface Piece {
  readonly option: string
  /** Undefined where it is written in place. */
  readonly file: string | undefined
  readonly text: () => string
}

function pieceOf(kind: Kind, tls: ClientTls | ServerTls): Piece | undefined {
  const options = tls as unknown as Readonly<Record<string, string | { reveal(): string } | undefined>>
  const inPlace = options[`${kind}_pem`]
  if (typeof inPlace === 'object') return { option: `${kind}_pem`, file: undefined, text: () => inPlace.reveal() }
  const file = options[`${kind}_file`]
  if (typeof file !== 'string' || file === '') return undefined
  return { option: `${kind}_file`, file, text: () => readFileSync(file, 'utf8') }
}

/** Loaded when a file names a certificate. */
const crypto = () => process.getBuiltinModule('node:crypto')

/** Throws where the text is not what it should be. */
const PIECES: readonly { readonly kind: Kind; readonly text: (text: string) => void }[] = [
  { kind: 'ca', text: certificates },
  { kind: 'cert', text: certificates },
  { kind: 'key', text: (text) => void crypto().createPrivateKey(text) },
  { kind: 'client_ca', text: certificates },
]

const BLOCK = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g

function certificates(text: string): readonly X509Certificate[] {
  const { X509Certificate: Certificate } = crypto()
  const blocks = text.match(BLOCK)
  if (!blocks) throw new Error('no PEM-encoded certificate')
  return blocks.map((block) => new Certificate(block))
}

function belongs(key: string, chain: string): boolean {
  const [own] = certificates(chain)
  return own?.checkPrivateKey(crypto().createPrivateKey(key)) ?? false
}

function sentence({ option, file }: Piece, error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException
  const shown = file === undefined ? option : `${option} ${file}`
  const unreadable = UNREADABLE[code]
  if (unreadable !== undefined) return `cannot read ${shown}: ${unreadable}`
  if (/passphrase|interrupted or cancelled/i.test(message)) return `${shown} holds a private key with a passphrase`
  return `${shown} holds no ${option.startsWith('key') ? 'PEM-encoded private key' : 'valid PEM-encoded certificate'}`
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
}
