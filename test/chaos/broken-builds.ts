import type { Patch } from './harness/variant.ts'

/** Telegen broken on purpose, each in a way that only a fault shows: the harness must catch all of them. */
export interface BrokenBuild {
  readonly name: string
  readonly patches: readonly Patch[]
  /** The row that catches it. */
  readonly row: string
}

export const brokenBuilds: readonly BrokenBuild[] = [
  {
    name: 'acknowledges before the queue has it',
    row: 'kill-behind-slow-fsync',
    patches: [
      {
        file: 'sending/arrivals.ts',
        search: '  write(node: DeliveryNode): void {\n',
        replace: "  write(node: DeliveryNode): void {\n    node.reach('durable')\n",
      },
    ],
  },
  {
    name: 'deletes a segment one record early',
    row: 'kill-while-draining',
    patches: [
      {
        file: 'extensions/file_storage/stored-queue.ts',
        search: 'sealed && unsettled === 0',
        replace: 'sealed && unsettled <= 1',
      },
    ],
  },
  {
    name: 'skips the fsync',
    row: 'power-cut',
    patches: [
      {
        file: 'extensions/file_storage/disk.ts',
        search: 'await this.#turn(() => file.datasync())',
        replace: 'await this.#turn(async () => undefined)',
      },
    ],
  },
]
