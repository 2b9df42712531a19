import { ClientAuthentication, CredentialsFile, offer, Refused } from '../../plugin.ts'
import type { ClientAuthenticator, Extension, ExtensionContext, Origin } from '../../plugin.ts'
import { bytesOf } from './bytes-of.ts'
import type { HeaderOptions, HeadersSetterOptions } from './options.ts'

/** Sets headers of requests that leave, from what is written here or what is known of the sender of their data. */
export function headersSetter(context: ExtensionContext<HeadersSetterOptions>): Extension {
  const { config } = context
  const files: CredentialsFile[] = []
  const rules = config.headers.map((header) => ruleOf(header, context, files))
  let additional: ClientAuthenticator | undefined
  const authenticator: ClientAuthenticator = {
    get confidential() {
      return additional?.confidential ?? false
    },
    authenticate(headers, origin) {
      const before = additional?.authenticate(headers, origin)
      if (!(before instanceof Promise)) return apply(rules, headers, origin)
      return before.then(() => apply(rules, headers, origin))
    },
  }
  return {
    offers: [offer(ClientAuthentication, authenticator)],
    async start() {
      if (config.additional_auth !== undefined)
        additional = context.extension(ClientAuthentication, config.additional_auth)
      for (const file of files) await file.start()
    },
    async stop() {
      for (const file of files) file.stop()
    },
  }
}

interface Rule {
  readonly name: string
  readonly action: HeaderOptions['action']
  readonly value: (origin: Origin) => string
}

function ruleOf(
  header: HeaderOptions,
  { clock, log }: ExtensionContext<HeadersSetterOptions>,
  files: CredentialsFile[],
): Rule {
  const { action, key = '', value_file } = header
  const name = key.toLowerCase()
  if (value_file === undefined) return { name, action, value: (origin) => valueOf(header, origin) }
  let content = ''
  files.push(
    new CredentialsFile({ path: value_file, clock, log, onContent: (read) => (content = bytesOf(name, read)) }),
  )
  return { name, action, value: () => content }
}

function valueOf(
  { key = '', value, from_context, from_attribute, default_value }: HeaderOptions,
  origin: Origin,
): string {
  if (value !== undefined) return bytesOf(key, value.reveal())
  const otherwise = bytesOf(key, default_value?.reveal() ?? '')
  if (from_attribute !== undefined) {
    const attribute = attributeOf(origin, from_attribute)
    return attribute === undefined ? otherwise : bytesOf(key, attribute)
  }
  return contextOf(origin, from_context ?? '') ?? otherwise
}

function attributeOf({ auth }: Origin, key: string): string | undefined {
  const value = auth?.[key]
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Nobody can say which of several values is meant. */
function contextOf({ metadata }: Origin, key: string): string | undefined {
  const values = metadata.get(key.toLowerCase()) ?? []
  if (values.length <= 1) return values[0]
  const message = `failed to determine the source: ${values.length} source keys found in the context, can't determine which one to use`
  throw new Refused(message, { code: 'invalid_argument', retry: 'never' })
}

/** A header that is set to nothing counts as absent, as in the Collector. */
function apply(rules: readonly Rule[], headers: Map<string, string>, origin: Origin): void {
  for (const { name, action, value } of rules) {
    const isThere = (headers.get(name) ?? '') !== ''
    if (action === 'delete') headers.delete(name)
    else if (action === 'upsert' || (action === 'update') === isThere) headers.set(name, value(origin))
  }
}
