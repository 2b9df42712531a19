/** What keys are called whose values nobody should see, where no schema says so. */
export const SECRET_NAME = /^headers$|authorization|password|passphrase|secret|token|api_?key|_pem$|private_key$/i

/** The same in a line of YAML, with what such a key holds: a quoted text, a collection, or a plain text. */
const WRITTEN =
  /(?<=^|[\s{,"'])((?:headers|inline|[\w.-]*(?:authorization|password|passphrase|secret|token|api[-_]?key|_pem|private_key)s?)["']?:\s+)("(?:[^"\\]|\\.)*"?|'[^']*'?|\{[^}]*\}?|\[[^\]]*\]?|\$\{[^}]*\}|[^\s,{}[\]#][^,{}[\]#]*)/gi
/** `https://user:password@host`. */
const IN_URL = /(:\/\/[^\s/:@"'{}]*:)([^\s/@"'{}]+)(?=@)/g
/** `${…}` alone says nothing yet. */
const REFERENCE = /^["']?\$\{[^}]*\}["']?\s*$/

/** A line of YAML with stars in place of what its keys and URLs call secret, each character one, so that columns stay. */
export function withoutSecrets(line: string): string {
  return line
    .replaceAll(IN_URL, (_, before: string, password: string) => before + '*'.repeat(password.length))
    .replaceAll(WRITTEN, (whole, key: string, value: string) =>
      REFERENCE.test(value) ? whole : key + '*'.repeat(value.length),
    )
}
