export type { Authorize, ResourceAccess } from './http/authorize.ts'
export { type KubeconfigOptions, kubeconfigLine, writeKubeconfig } from './http/kubeconfig.ts'
export { type PublishedApi, type PublishedDeps, publishResourceApi } from './http/publish.ts'
export { type ResourceApiDeps, serveResourceApi } from './http/serve.ts'
export type {
  Deleted,
  DeleteOptions,
  ListOptions,
  ObjectKey,
  ObjectList,
  Patch,
  Registry,
  Selection,
  WatchEvent,
  WatchOptions,
  WriteOptions,
  Written,
} from './registry.ts'
export type { HistoryBounds, RegistryOptions } from './store/config.ts'
export { openRegistry } from './store/open-registry.ts'
