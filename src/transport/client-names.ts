import type { X509Certificate } from 'node:crypto'
import type { AuthenticationData } from '../component/authentication.ts'
import type { OptionFault } from '../component/definition.ts'

/** Kinds of names that a certificate may have, as OpenSSL writes them. The common name is the subject's, the others stand in the subjectAltName. */
const KINDS = ['DNS', 'URI', 'email', 'IP', 'CN'] as const
type Kind = (typeof KINDS)[number]

const ENTRY = /^(\w+):(.+)$/

/** A fault for each entry of `client_allowed_names` that could match nothing. */
export function* checkNames(names: readonly string[], path: OptionFault['path']): Generator<OptionFault> {
  for (const [at, name] of names.entries())
    if (!KINDS.includes(ENTRY.exec(name)?.[1] as Kind))
      yield {
        path: [...path, at],
        message: `"${name}" is not a name of a certificate`,
        hint: `write ${KINDS.map((kind) => `${kind}:…`).join(', ')}, as in URI:spiffe://example.org/agent`,
      }
}

/** Names of a certificate, each with its kind: `DNS:agent.example.org`, `URI:spiffe://example.org/agent`, `CN:agent`. */
export function namesOf(certificate: X509Certificate): readonly string[] {
  const { subjectAltName = '' } = certificate
  const names = [...subjectAltName.matchAll(ALTERNATIVE)].flatMap(([, kind = '', value = '']) => {
    const known = kind === 'IP Address' ? 'IP' : kind
    return KINDS.includes(known as Kind) ? [`${known}:${unquoted(value)}`] : []
  })
  return [...names, ...commonNames(certificate).map((name) => `CN:${name}`)]
}

/** Node puts a value in quotes, as of JSON, that has a comma or anything else in it that would make it look like two. */
const ALTERNATIVE = /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)/g
const unquoted = (value: string): string => (value.startsWith('"') ? String(JSON.parse(value)) : value)

function commonNames(certificate: X509Certificate): readonly string[] {
  const { CN = [] } = certificate.toLegacyObject().subject as { CN?: string | string[] }
  return [CN].flat()
}

/** Whether one of `names` is allowed. A `*` stands for one label of a domain or one segment of a path. Without entries, any name will do. */
export function allowing(entries: readonly string[]): (names: readonly string[]) => boolean {
  if (entries.length === 0) return () => true
  const patterns = entries.map(pattern)
  return (names) => names.some((name) => patterns.some((each) => each.test(name)))
}

/** Domains have no case (RFC 4343). */
function pattern(entry: string): RegExp {
  const text = entry.split('*').map((part) => part.replace(/[\\^$.+?()[\]{}|/-]/g, '\\$&'))
  return new RegExp(`^${text.join('[^./@:]+')}$`, entry.startsWith('DNS:') ? 'i' : '')
}

/** What a verified certificate proves, as `Origin.auth`; the subject as RFC 4514 writes it, most specific first. */
export const identityOf = (certificate: X509Certificate): AuthenticationData => ({
  'certificate.subject': certificate.subject.split('\n').toReversed().join(','),
  'certificate.names': namesOf(certificate),
  'certificate.fingerprint': certificate.fingerprint256,
})
