/** The level that every coding has by itself: gzip's is 6, zstd's 3. In a file of its own, as options are read without loading zlib. */
export const DEFAULT_LEVEL = -1
