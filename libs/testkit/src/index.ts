export { CERTIFICATE, KEY } from './certificate.ts'
export { type LoadOptions, type LoadRequest, type LoadResult, type Posting, posting, postMany } from './load.ts'
export { type Disorder, judge, type Verdict } from './oracle.ts'
export {
  type Exit,
  type ProcessOptions,
  type RunningProcess,
  runToExit,
  STANDALONE_READY,
  startProcess,
} from './process.ts'
export { freePorts } from './servers/free-ports.ts'
export { type KafkaServer, provisionKafka, startKafka } from './servers/kafka.ts'
export { type KafkaCluster, startKafkaCluster } from './servers/kafka-cluster.ts'
export { addScramUser } from './servers/kafka-users.ts'
export { provisionKubectl, provisionKubectls } from './servers/kubectl.ts'
export { type NatsServer, provisionNats, startNats } from './servers/nats.ts'
export { type NatsCluster, startNatsCluster } from './servers/nats-cluster.ts'
export { type Provision, provision, type Way } from './servers/provision.ts'
export { startTcpProxy, type TcpProxy } from './servers/tcp-proxy.ts'
export { type App, type Service, ServicesApart, type SourceApp, startApp, until } from './services-apart.ts'
export { ShiftedClock } from './shifted-clock.ts'
export { type Sink, type SinkAnswer, type SinkOptions, type SinkRequest, startSink } from './sink.ts'
export type {
  EventGiven,
  ManifestsGiven,
  ParkedEvent,
  Script,
  Sent,
  Sluice,
  SluiceOptions,
} from './sluice/options.ts'
export { createSluice } from './sluice.ts'
export { createFakeDesk, type FakeDesk } from './sources/fake-desk.ts'
export { createFakeIngress, type FakeIngress, type IngressAnswer, type SourceRequest } from './sources/fake-ingress.ts'
export { type StartScript, startScript } from './start-script.ts'
export { settle, VirtualClock } from './virtual-clock.ts'
