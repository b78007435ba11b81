export type { Answerer } from './answering.ts'
export { isLoopback } from './authentication.ts'
export {
  type ContractConfig,
  type ContractServerConfig,
  contractConfig,
  contractRules,
  contractServerConfig,
  contractServerRules,
  type OpenedContract,
  openContract,
  tokenOf,
} from './config.ts'
export { type ContractService, createContractService } from './contract-service.ts'
export { type FollowContractDeps, type FollowedContract, followContract } from './follow-contract.ts'
export { type HttpSourceDeps, httpSource } from './http-source.ts'
export type { Replica } from './leases.ts'
export { type OpenedSourceDesk, type OpenSourceDeskDeps, openSourceDesk } from './open-source-desk.ts'
export {
  type Message,
  type Role,
  type RoutingRole,
  readAcknowledgement,
  readAnswer,
  readHello,
  readMessage,
  readSourceCall,
  writeHello,
  writeMessage,
} from './protocol.ts'
export type { Asked, Questions } from './questions.ts'
export { type ContractServer, type ServeContractDeps, serveContract } from './serve-contract.ts'
export { type ServerEvents, serverEvents } from './server-events.ts'
export { type ContractTransport, type HttpTransportOptions, httpTransport, unreachable } from './transport.ts'
