/** Parameters that are told; the rest is left out. */
const PARAMETERS_MOST = 64

/** A query whose values are hidden, but for those of the parameters named. */
export function redactQuery(query: string, told: ReadonlySet<string>): string {
  return query
    .split('&', PARAMETERS_MOST)
    .map((parameter) => {
      const equals = parameter.indexOf('=')
      // Without a name it may be a value.
      if (equals < 0) return told.has(parameter) ? parameter : 'REDACTED'
      const name = parameter.slice(0, equals)
      return told.has(name) ? parameter : `${name}=REDACTED`
    })
    .join('&')
}
