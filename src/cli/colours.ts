/** Part of a stream that says whether it is a terminal, and of how many colours. */
export interface Shown {
  readonly isTTY?: boolean
  readonly hasColors?: () => boolean
}

/**
 * Whether to write colours: on a terminal that has them, unless `NO_COLOR` says no; anywhere, where `FORCE_COLOR` says so
 * (https://no-color.org, https://force-color.org). `FORCE_COLOR=0` is a no. Where both speak, the one that forces wins, as in Node.
 */
export function colours(
  stream: Shown,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): boolean {
  const { FORCE_COLOR: forced, NO_COLOR: none } = environment
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  if (none !== undefined && none !== '') return false
  return stream.isTTY === true && (stream.hasColors?.() ?? false)
}
