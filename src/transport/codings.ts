/** Content codings that can be inflated, as HTTP names them. HTTP's `deflate` is zlib's format (RFC 9110, 8.4.1.2). */
export const CODINGS: ReadonlySet<string> = new Set(['gzip', 'zlib', 'deflate', 'zstd', 'snappy', 'x-snappy-framed'])
