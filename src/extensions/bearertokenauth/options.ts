import { inspectCredentialsFile, isHeader, Options, SecretString, Type } from '../../plugin.ts'
import type { OptionFault, Static } from '../../plugin.ts'

export const options = Options({
  header: Type.String({ default: 'Authorization', description: 'The header that carries the token.' }),
  scheme: Type.String({ default: 'Bearer', description: 'What stands before the token; nothing where it is empty.' }),
  token: Type.Optional(SecretString({ description: 'The token.' })),
  tokens: Type.Optional(
    Type.Array(SecretString({ description: 'A token.' }), {
      description: 'Tokens of which a server takes each, and a client sends the first.',
    }),
  ),
  filename: Type.Optional(
    Type.String({
      description:
        'File with a token in each line, up to the first space; read again when it changes. It wins over `token`.',
    }),
  ),
})
export type BearerOptions = Static<typeof options>

export function* faults({ header, scheme, token, tokens = [], filename }: BearerOptions): Iterable<OptionFault> {
  const single = token !== undefined && token.reveal() !== ''
  if (!single && tokens.length === 0 && !filename) yield { path: [], message: 'no bearer token provided' }
  if (single && tokens.length > 0)
    yield { path: ['tokens'], message: 'either tokens or token should be provided, not both' }
  if (!isHeader(header, '')) yield { path: ['header'], message: `"${header}" is not the name of a header` }
  if (!isHeader('authorization', scheme)) yield { path: ['scheme'], message: 'has characters that no header may have' }
  const written = [
    ...(token ? [{ path: ['token'], of: token }] : []),
    ...tokens.map((of, at) => ({ path: ['tokens', at], of })),
  ]
  for (const [at, each] of tokens.entries())
    if (each.reveal() === '') yield { path: ['tokens', at], message: 'the token is empty' }
  for (const { path, of } of written)
    if (!isHeader('authorization', of.reveal()))
      yield { path, message: 'the token has characters that no header may have' }
}

export function* inspect({ filename, tokens = [] }: BearerOptions): Iterable<OptionFault> {
  if (filename && tokens.length === 0) yield* inspectCredentialsFile(filename, ['filename'])
}
