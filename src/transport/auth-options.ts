import { ClientAuthentication, ServerAuthentication } from '../component/authentication.ts'
import { ComponentId, Options, StringList, Type } from '../component/options.ts'

/** The Collector's configauth: `auth: { authenticator: <extension> }`. */

const clientAuthenticator = ComponentId({
  of: 'extension',
  offering: ClientAuthentication,
  description: 'The extension; it must be listed in `service::extensions`.',
})

const serverAuthenticator = ComponentId({
  of: 'extension',
  offering: ServerAuthentication,
  description: 'The extension; it must be listed in `service::extensions`.',
})

export const clientAuth = () =>
  Type.Optional(
    Options(
      { authenticator: clientAuthenticator },
      { description: 'Extension that gives requests their credentials.' },
    ),
  )

export const grpcServerAuth = () =>
  Type.Optional(
    Options({ authenticator: serverAuthenticator }, { description: 'Extension that authenticates clients.' }),
  )

export const httpServerAuth = () =>
  Type.Optional(
    Options(
      {
        authenticator: serverAuthenticator,
        request_params: StringList({
          default: [],
          description: 'Parameters of the query that are looked at as if they were headers, and before them.',
        }),
      },
      { description: 'Extension that authenticates clients.' },
    ),
  )
