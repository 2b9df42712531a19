/** For tests of components: a whole engine in a test, and a clock that the test turns. */
export { TestBed } from './testing/bed.ts'
export type { BedOptions, LogLine } from './testing/bed.ts'
export { settle, TestClock } from './testing/test-clock.ts'
export type { OnSend, Sent, Source } from './testing/test-components.ts'
