export function writeReport(_: object): void {
  throw new Error('not yet')
}
