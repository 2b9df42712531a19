import { ClientAuthentication, CredentialsFile, offer, unauthenticated } from '../../plugin.ts'
import type { ClientAuthenticator, Extension, ExtensionContext } from '../../plugin.ts'
import type { BasicOptions, ClientOptions } from './options.ts'

/** Sends user and password with each request (RFC 7617). */
export function basicClient({ config, clock, log }: ExtensionContext<BasicOptions>): Extension {
  const { username = '', username_file, password, password_file } = config.client_auth as ClientOptions
  let user = username
  let secret = password?.reveal() ?? ''
  const files = [
    ...(username_file
      ? [new CredentialsFile({ path: username_file, clock, log, onContent: (read) => (user = read) })]
      : []),
    ...(password_file
      ? [new CredentialsFile({ path: password_file, clock, log, onContent: (read) => (secret = read) })]
      : []),
  ]
  const authenticator: ClientAuthenticator = {
    confidential: true,
    authenticate(headers) {
      if (user.includes(':')) throw unauthenticated('invalid authorization format: a user has no colon in it')
      headers.set('authorization', `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`)
    },
  }
  return {
    offers: [offer(ClientAuthentication, authenticator)],
    async start() {
      for (const file of files) await file.start()
    },
    async stop() {
      for (const file of files) file.stop()
    },
  }
}
