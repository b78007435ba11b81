export { type ClusterTransport, clusterTransport } from './cluster-transport.ts'
export { type Requests, refusal, requestsOver, type Transport, type WatchLine } from './requests.ts'
