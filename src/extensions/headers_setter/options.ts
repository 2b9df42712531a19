import {
  Choice,
  ClientAuthentication,
  ComponentId,
  inspectCredentialsFile,
  isHeader,
  isHttpHeader,
  Options,
  SecretString,
  Type,
} from '../../plugin.ts'
import { bytesOf } from './bytes-of.ts'
import type { OptionFault, Static } from '../../plugin.ts'

const header = Options(
  {
    key: Type.Optional(Type.String({ description: 'The name of the header.' })),
    action: Choice(['insert', 'update', 'upsert', 'delete'], {
      default: 'upsert',
      description:
        'What happens to it: insert only where it is absent, update only where it is present, upsert either way.',
    }),
    value: Type.Optional(SecretString({ description: 'What it becomes.' })),
    value_file: Type.Optional(Type.String({ description: 'File with what it becomes; read again when it changes.' })),
    from_context: Type.Optional(
      Type.String({
        description: 'The request header that brought the data (`include_metadata`) whose value it gets.',
      }),
    ),
    from_attribute: Type.Optional(
      Type.String({ description: 'What the sender proved of itself whose value it gets: username, subject.' }),
    ),
    default_value: Type.Optional(SecretString({ description: 'What it becomes where the request has no such thing.' })),
  },
  { description: 'A header.' },
)
export type HeaderOptions = Static<typeof header>

export const options = Options({
  headers: Type.Array(header, { default: [], description: 'Headers to set, in this order.' }),
  additional_auth: Type.Optional(
    ComponentId({
      of: 'extension',
      offering: ClientAuthentication,
      description: 'Another authenticator that sees the request before this one.',
    }),
  ),
})
export type HeadersSetterOptions = Static<typeof options>

const SOURCES = ['value', 'value_file', 'from_context', 'from_attribute'] as const

export function* faults({ headers }: HeadersSetterOptions): Iterable<OptionFault> {
  if (headers.length === 0) yield { path: [], message: 'missing headers configuration', hint: 'add `headers:`' }
  for (const [index, header] of headers.entries()) yield* headerFaults(header, ['headers', index])
}

function* headerFaults(header: HeaderOptions, path: readonly (string | number)[]): Iterable<OptionFault> {
  const { key = '', action, value, default_value } = header
  if (key === '') yield { path, message: 'missing header name', hint: 'add `key:`' }
  else if (!isHttpHeader(key, '')) yield { path: [...path, 'key'], message: `"${key}" is not the name of a header` }
  for (const [at, secret] of [
    ['value', value],
    ['default_value', default_value],
  ] as const)
    if (secret && !isCarriable(key || 'x', bytesOf(key, secret.reveal())))
      yield { path: [...path, at], message: 'has characters that no header may have' }
  if (action === 'delete') return
  const given = SOURCES.filter((source) => header[source] !== undefined)
  if (given.length === 0)
    yield { path, message: "missing header source, must be 'from_context', 'from_attribute', 'value' or 'value_file'" }
  if (given.length > 1)
    yield {
      path,
      message: "invalid header source, must either 'from_context', 'from_attribute', 'value' or 'value_file'",
    }
}

/** By some transport: whoever sends the request knows which. */
const isCarriable = (name: string, value: string): boolean => isHttpHeader(name, value) || isHeader(name, value)

export function* inspect({ headers }: HeadersSetterOptions): Iterable<OptionFault> {
  for (const [index, { value_file }] of headers.entries())
    if (value_file !== undefined) yield* inspectCredentialsFile(value_file, ['headers', index, 'value_file'])
}
