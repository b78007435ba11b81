import type { Case } from '../bench.ts'
import type { Driver } from '../flags.ts'
import { ceiling } from './ceiling.ts'
import { contract } from './contract.ts'
import { controlPlane } from './control-plane.ts'
import { disk } from './disk.ts'
import { f3, manyTriggers, standalone } from './end-to-end.ts'
import { filter1, filter10000, filterCesql } from './filter.ts'
import { dispatchMemory, f2 } from './http-client.ts'
import { f1, f1Large, ingressDurable, ingressNull, ingressNullLarge } from './http-server.ts'
import { consumes, portPublishes, publishes, rebalances } from './kafka/clients.ts'
import { k3, apart as kafkaApart, oneWrite as kafkaOneWrite, oneWriteKafkajs, tenTriggers } from './kafka/end-to-end.ts'
import { unanswered } from './kafka/unanswered.ts'
import { memoryBacklog, memoryMillion } from './memory.ts'
import { consume, n1, n2, publish } from './nats/channel.ts'
import {
  apart,
  dispatchers1,
  dispatchers4,
  manyTriggers as manyApart,
  n3,
  oneWrite,
  slower1,
  slower4,
} from './nats/end-to-end.ts'
import { start } from './start.ts'

const EMBEDDED: readonly Case[] = [
  disk,
  start,
  ceiling,
  f1,
  ingressNull,
  ingressDurable,
  f1Large,
  ingressNullLarge,
  filter1,
  filter10000,
  filterCesql,
  f2,
  dispatchMemory,
  f3,
  standalone,
  manyTriggers,
  contract,
  controlPlane,
  memoryMillion,
  memoryBacklog,
]

/** In the order they run within a repeat: each right after what it is compared with. */
export const CASES: Readonly<Record<Driver, readonly Case[]>> = {
  embedded: EMBEDDED,
  nats: [n1, publish, n2, consume, n3, oneWrite, apart, manyApart, dispatchers1, dispatchers4, slower1, slower4],
  kafka: [
    ...publishes,
    ...portPublishes,
    k3,
    kafkaOneWrite,
    oneWriteKafkajs,
    kafkaApart,
    tenTriggers,
    ...consumes,
    ...rebalances,
    ...unanswered,
  ],
}
