export { embeddedClient } from './api/embedded-client.ts'
export { type KubernetesClientDeps, kubernetesClient } from './api/kubernetes/kubernetes-client.ts'
export type { Informer, ObjectChange, ObjectKey, ResourceClient } from './api/resource-client.ts'
export { controlPlaneConfig, controlPlaneRules, receiversConfig, storeConfig, storeLimits } from './config.ts'
export { type ControlPlane, type ControlPlaneDeps, startControlPlane } from './control-plane.ts'
export {
  type KubernetesControlPlaneDeps,
  startKubernetesControlPlane,
} from './kubernetes-control-plane.ts'
export { type LeaderElection, type LeaderElectionDeps, startLeaderElection } from './leader/leader-election.ts'
export {
  createLedger,
  type Ledger,
  type LedgerDeps,
  type LedgerStore,
  overChanges,
} from './ledger/index.ts'
export { type Applied, applyManifests } from './manifests/apply-manifests.ts'
export { type ManifestsFolder, startManifestsFolder } from './manifests/manifests-folder.ts'
export {
  createPrograms,
  type Drivers,
  fixedAddresses,
  type IngressAddresses,
  type ProgramsDeps,
  programs,
  type SeenType,
  type SourceStanding,
  type SourceStandings,
} from './programs/index.ts'
export type { Reconciling } from './reconciling.ts'
export type { Program } from './runtime/program.ts'
export { type Reconcilers, startReconcilers } from './runtime/start-reconcilers.ts'
export { createSecrets, type Secrets } from './secrets.ts'
