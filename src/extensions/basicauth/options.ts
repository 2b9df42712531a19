import { inspectCredentialsFile, Options, SecretString, Type } from '../../plugin.ts'
import type { OptionFault, Static } from '../../plugin.ts'

export const options = Options({
  htpasswd: Type.Optional(
    Options(
      {
        file: Type.Optional(
          Type.String({ description: "File of a web server's password entries; read again when it changes." }),
        ),
        inline: Type.Optional(
          SecretString({
            description: 'Entries written in place, `user:password` a line; they win over those of the file.',
          }),
        ),
      },
      { description: 'Who may come in: for receivers.' },
    ),
  ),
  client_auth: Type.Optional(
    Options(
      {
        username: Type.Optional(Type.String({ description: 'The user.' })),
        username_file: Type.Optional(
          Type.String({ description: 'File with the user; read again when it changes. It wins over `username`.' }),
        ),
        password: Type.Optional(SecretString({ description: 'The password.' })),
        password_file: Type.Optional(
          Type.String({ description: 'File with the password; read again when it changes. It wins over `password`.' }),
        ),
      },
      { description: 'What to send: for exporters.' },
    ),
  ),
})
export type BasicOptions = Static<typeof options>
export type ClientOptions = NonNullable<BasicOptions['client_auth']>
export type HtpasswdOptions = NonNullable<BasicOptions['htpasswd']>

export function* faults({ htpasswd, client_auth }: BasicOptions): Iterable<OptionFault> {
  if (htpasswd && client_auth)
    yield { path: ['client_auth'], message: 'only one of `htpasswd` or `client_auth` can be specified' }
  if (!htpasswd && !client_auth)
    yield { path: [], message: 'no credential source provided', hint: 'add `htpasswd:` or `client_auth:`' }
  if (htpasswd && !htpasswd.file && !htpasswd.inline?.reveal())
    yield { path: ['htpasswd'], message: 'no credential source provided', hint: 'add `file:` or `inline:`' }
  if (client_auth?.username?.includes(':'))
    yield { path: ['client_auth', 'username'], message: 'invalid authorization format: a user has no colon in it' }
}

export function* inspect({ htpasswd, client_auth }: BasicOptions): Iterable<OptionFault> {
  if (htpasswd?.file) yield* inspectCredentialsFile(htpasswd.file, ['htpasswd', 'file'])
  for (const key of ['username_file', 'password_file'] as const) {
    const file = client_auth?.[key]
    if (file) yield* inspectCredentialsFile(file, ['client_auth', key])
  }
}
