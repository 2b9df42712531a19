/**
 * What components use that look into the kernel: the eBPF loader and its rings. Everything else of Telegen runs without it.
 */
export * from './native/addon.ts'
export type { Capabilities } from './native/capabilities.ts'
export { inProcessLoader } from './native/in-process.ts'
export type { InProcessOptions } from './native/in-process.ts'
export { loadAddon, prebuiltFolder } from './native/load-addon.ts'
export type { LoadedAddon } from './native/load-addon.ts'
export { AGENT_MAPS, SHARED_MAPS, Unavailable } from './native/loader.ts'
export type {
  KernelLoader,
  LoadedTracer,
  LoaderLog,
  MapEntries,
  PassedOver,
  ProbePlace,
  RingSource,
  Rung,
  TracerRequest,
} from './native/loader.ts'
export { separatedLoader } from './native/separated/separated-loader.ts'
export type { SeparatedLoader, SeparatedOptions } from './native/separated/separated-loader.ts'
