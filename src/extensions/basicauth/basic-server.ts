import { CredentialsFile, offer, ServerAuthentication, unauthenticated } from '../../plugin.ts'
import type { Extension, ExtensionContext, RequestHeaders, ServerAuthenticator } from '../../plugin.ts'
import { readHtpasswd } from './htpasswd.ts'
import type { HtpasswdOptions, BasicOptions } from './options.ts'
import { Passwords } from './passwords.ts'

/** Asks for user and password of each request that arrives (RFC 7617). */
export function basicServer({ config, clock, log }: ExtensionContext<BasicOptions>): Extension {
  const { file: path, inline } = config.htpasswd as HtpasswdOptions
  const passwords = new Passwords()
  const use = (content: string) => {
    const { entries, stranger, faults } = readHtpasswd(`${content}\n${inline?.reveal() ?? ''}`)
    for (const fault of faults) log.warn(fault, 'An entry of the passwords is left out')
    passwords.use(entries, stranger)
  }
  const file = path ? new CredentialsFile({ path, clock, log, onContent: use }) : undefined
  const authenticator: ServerAuthenticator = {
    challenge: 'Basic realm="telegen", charset="UTF-8"',
    async authenticate(headers) {
      const { username, password, raw } = credentialsOf(headers)
      if (!(await passwords.match(username, password))) throw unauthenticated('invalid credentials')
      return { username, raw }
    },
  }
  return {
    offers: [offer(ServerAuthentication, authenticator)],
    async start() {
      if (file) await file.start()
      else use('')
    },
    async stop() {
      file?.stop()
    },
  }
}

const SCHEME = /^basic /i
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

function credentialsOf(headers: RequestHeaders) {
  const [value = ''] = headers.get('authorization') ?? []
  if (value === '') throw unauthenticated('no basic auth provided')
  if (!SCHEME.test(value)) throw unauthenticated('invalid authorization scheme prefix')
  const raw = value.slice('Basic '.length)
  const text = Buffer.from(raw, 'base64').toString()
  const colon = text.indexOf(':')
  if (!BASE64.test(raw) || colon < 0) throw unauthenticated('invalid authorization format')
  return { username: text.slice(0, colon), password: text.slice(colon + 1), raw }
}
