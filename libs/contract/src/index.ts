export { createChannels, DISPATCH_SUBSCRIPTION, FILTER_SUBSCRIPTION, logOptions } from './channels.ts'
export { type Append, type ContractCopy, contractCopy } from './contract-copy.ts'
export { difference, type Known, knownOf, NO_ROWS, NOTHING_KNOWN, withHashes } from './delta.ts'
export { removeEndedChannels } from './ended-channels.ts'
export { type Copy, fileCopy, type Loaded } from './file-copy.ts'
export { fileSource } from './file-source.ts'
export { FILTER_DIALECTS, MAX_FILTER_DEPTH } from './filter-schema.ts'
export { hashOf } from './hash.ts'
export { holdContract } from './held-contract.ts'
export * from './http/index.ts'
export { isSourceRole, roleOf, SOURCE_KIND_OF, SOURCE_ROLES, type SourceKind, type SourceRole } from './interest.ts'
export { type LeftoversDeps, removeLeftovers } from './leftovers.ts'
export { logOf } from './log-of.ts'
export { madeLogsCopy } from './made-logs.ts'
export { type ParkedRetentionDeps, purgeParked } from './parked-retention.ts'
export type {
  Contract,
  ContractSource,
  DeliveryRow,
  DeliverySpec,
  Delta,
  FilterClause,
  FilterSpec,
  FormerTrigger,
  IngressRow,
  LogRow,
  RouteRow,
  Row,
  RowKind,
  Rows,
  RowsEdit,
  Target,
} from './rows.ts'
export { readContract } from './schema.ts'
export { type AnySourceRow, anySourceRow } from './sources/any-source-row.ts'
export {
  type ApiServerSourceRow,
  apiServerSourceRow,
  apiServerTypes,
  type LabelSelector,
  type WatchedResource,
} from './sources/api-server-source-row.ts'
export { createSourceDesk, type SourceDeskDeps } from './sources/desk/create-source-desk.ts'
export { type GitHubSourceRow, githubSourceRow } from './sources/github-source-row.ts'
export {
  KAFKA_KEY_TYPES,
  KAFKA_SECRETS,
  KAFKA_TYPE,
  type KafkaSourceRow,
  kafkaSourceRow,
  kafkaSourceUri,
} from './sources/kafka-source-row.ts'
export type { SourceLine, SourceListener, SourceNews, SourceQuestion } from './sources/line.ts'
export { sourceLimits, sourceOfficeConfig } from './sources/office/config.ts'
export { inProcessLine } from './sources/office/in-process-line.ts'
export type { SecretReader } from './sources/office/secret-reader.ts'
export {
  openSourceOffice,
  type SourceOffice,
  type SourceOfficeDeps,
  type SourceReplica,
  type SourceStanding,
} from './sources/office/source-office.ts'
export { PING_TYPE, type PingSourceRow, pingSourceRow, pingSourceUri } from './sources/ping-source-row.ts'
export type {
  FollowedSource,
  HeldSource,
  ReplicaPlace,
  SourceCondition,
  SourceDesk,
  SourceReport,
  SourceState,
} from './sources/source-desk.ts'
export type { SecretReference, SourceRow } from './sources/source-row.ts'
export { type ContractStore, type ContractStoreDeps, createContractStore } from './store.ts'
export type { Lacking } from './watchers.ts'
