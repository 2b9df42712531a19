import { containerId } from './container-id.ts'
import type { Facts } from './facts.ts'

type Place = Pick<Facts, 'cgroup' | 'container'>

const NOWHERE: Place = { cgroup: undefined, container: undefined }
/** Cgroups known by their ids; beyond, the oldest is forgotten. */
const CGROUPS = 4096

/** Where cgroups lie, by the ids that the kernel tells: for a process that had ended before anybody could read its path. */
export class CgroupContainers {
  readonly #places = new Map<bigint, Place>()

  /** Learns from a process that is still there. */
  learn(id: bigint, { cgroup, container }: Facts): void {
    if (id === 0n || cgroup === undefined || this.#places.has(id)) return
    // The id is of the hierarchy of cgroup2. A container that only another hierarchy knows may share it with others.
    const isOfThisHierarchy = container !== undefined && containerId(`0::${cgroup}`) === container
    if (container !== undefined && !isOfThisHierarchy) return
    if (this.#places.size >= CGROUPS) this.#places.delete(this.#places.keys().next().value as bigint)
    this.#places.set(id, { cgroup, container })
  }

  find(id: bigint): Place {
    return this.#places.get(id) ?? NOWHERE
  }
}
