import type { Log } from '../../src/component/context.ts'

/** A log for tests that do not look at it. */
export const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
