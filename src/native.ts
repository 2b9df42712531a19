/**
 * What components use that look into the kernel: the eBPF loader and its rings. Everything else of Telegen runs without it.
 */
export * from './native/addon.ts'
export type { Capabilities } from './native/capabilities.ts'
export { AGENT_MAPS, SHARED_MAPS, Unavailable } from './native/loader.ts'
export type {
  KernelLoader,
  LoadedTracer,
  MapEntries,
  PassedOver,
  RingSource,
  Rung,
  TracerRequest,
} from './native/loader.ts'
