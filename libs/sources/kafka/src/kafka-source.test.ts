import { describe, expect, test } from '@jest/globals'
import type { KafkaSourceRow } from '@sluice/contract'
import { EventingError } from '@sluice/errors'
import { runSources } from '@sluice/source-runtime'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { createFakeDesk, createFakeIngress, settle, VirtualClock } from '@sluice/testkit'
import { kafkaRow } from '../test/kafka-row.ts'
import { kafkaSources } from './kafka-source.ts'
import type { TopicRecord } from './record.ts'
import type { MemberDeps, Place, RecordGroup } from './record-group.ts'

/** A group whose members do as they are told. */
class FakeGroup implements RecordGroup {
  readonly joined: { readonly deps: MemberDeps; readonly end: (error?: Error) => void; isGone: boolean }[] = []
  at: Place[] = [0, 1].map((partition) => ({ topic: 'orders', partition, low: 2, high: 12, committed: undefined }))
  isAway = false
  others = 0
  isClosed = false

  async places() {
    if (this.isAway) throw failed()
    return this.at
  }

  async members() {
    return this.joined.filter(({ isGone }) => !isGone).length + this.others
  }

  join(deps: MemberDeps) {
    const { promise: ended, resolve } = Promise.withResolvers<Error | undefined>()
    const member = { deps, end: resolve, isGone: false }
    this.joined.push(member)
    return {
      ended,
      async [Symbol.asyncDispose]() {
        member.isGone = true
        resolve(undefined)
      },
    }
  }

  async [Symbol.asyncDispose]() {
    this.isClosed = true
  }
}

function failed() {
  const detail = { code: 'SOURCE_ORIGIN_UNAVAILABLE', origin: 'g', reason: 'KafkaUnavailable' } as const
  return new EventingError(detail, 'no broker answers')
}

async function start(changes: Partial<KafkaSourceRow> = {}) {
  const [clock, telemetry, group] = [new VirtualClock(), createTestTelemetry(), new FakeGroup()]
  const desk = createFakeDesk<KafkaSourceRow>({ clock })
  const ingress = createFakeIngress({ clock })
  const opening = { failures: 0 }
  const openGroup = async () => {
    if (opening.failures-- > 0) throw failed()
    return group
  }
  const sources = kafkaSources({ telemetry, openGroup, random: () => 0 })
  const running = runSources({
    ...{ clock, telemetry, ...sources, random: () => 0 },
    desk: desk.replica(),
    sender: ingress.sender,
  })
  /** Another replica, with members of its own. */
  const another = () => {
    const own = new FakeGroup()
    const others = kafkaSources({ telemetry, openGroup: async () => own, random: () => 0 })
    const replica = runSources({
      ...{ clock, telemetry, ...others, random: () => 0 },
      desk: desk.replica(),
      sender: ingress.sender,
    })
    return { replica, group: own }
  }
  const put = async (row: Partial<KafkaSourceRow> = changes) => {
    await desk.put(kafkaRow(row))
    await settle()
  }
  const said = () => ({ ...desk.reports('u1').at(-1) })
  return { clock, telemetry, group, desk, ingress, opening, running, put, said, another }
}

describe('a KafkaSource', () => {
  test('has as many members as it is to have, but no more than there are partitions', async () => {
    const { put, group, said } = await start()
    await put({ consumers: 5 })
    expect(group.joined).toHaveLength(2)
    group.joined[0]?.deps.joined(1)
    group.joined[1]?.deps.joined(1)
    await settle()
    expect(said().facts).toEqual({ consumers: '2' })
  })

  test('shares its members with the replicas that are there, which begin where its holder does, and takes them all when it is alone', async () => {
    const { put, group, clock, another, said } = await start()
    const of = (one: FakeGroup) => one.joined.filter(({ isGone }) => !isGone)
    await put({ consumers: 2, initialOffset: 'latest' })
    expect(of(group)).toHaveLength(2)
    const other = another()
    await clock.advance(5_000)
    expect([of(group).length, of(other.group).length]).toEqual([1, 1])
    const [here, there] = [of(group)[0], of(other.group)[0]].map((member) => member?.deps.startOf('orders', 1))
    expect([here, there]).toEqual([12, 12])
    of(group)[0]?.deps.joined(1)
    of(other.group)[0]?.deps.joined(1)
    group.others = 1
    await clock.advance(15_000)
    expect(said().facts).toEqual({ consumers: '2' })
    await other.replica[Symbol.asyncDispose]()
    await clock.advance(5_000)
    expect([of(group).length, of(other.group).length, other.group.isClosed]).toEqual([2, 0, true])
  })

  test('has one member in the replica that holds it, however many there are', async () => {
    const { put, group, clock, another } = await start()
    const other = another()
    await put({ consumers: 1 })
    await clock.advance(30_000)
    expect([group.joined.length, other.group.joined.length]).toEqual([1, 0])
  })

  test('a member that falls out joins again, ever more seldom, and the status says so meanwhile', async () => {
    const { put, group, said, clock } = await start()
    await put()
    group.joined[0]?.deps.joined(2)
    group.joined[0]?.end(failed())
    await settle()
    expect(said()).toMatchObject({
      conditions: {
        ConnectionEstablished: { status: 'False', reason: 'KafkaUnavailable', message: 'no broker answers' },
      },
      facts: { consumers: '0' },
    })
    await clock.advance(500)
    group.joined[1]?.end(failed())
    await clock.advance(999)
    expect(group.joined).toHaveLength(2)
    await clock.advance(1)
    group.joined[2]?.deps.joined(2)
    await settle()
    expect(said()).toMatchObject({
      conditions: { ConnectionEstablished: { status: 'True' } },
      facts: { consumers: '1' },
    })
    expect(group.joined.map(({ isGone }) => isGone)).toEqual([true, true, false])
  })

  test('that can not connect is tried again, and then reads', async () => {
    const { put, group, said, clock, opening } = await start()
    opening.failures = 1
    await put()
    expect(said().conditions).toMatchObject({
      ConnectionEstablished: { status: 'False', reason: 'KafkaUnavailable' },
      Deployed: { status: 'False', reason: 'SourceOriginUnavailable' },
    })
    await clock.advance(500)
    expect(group.joined).toHaveLength(1)
    expect(said().conditions).toMatchObject({ ConnectionEstablished: { status: 'True' }, Deployed: { status: 'True' } })
  })

  test('posts what is taken, in the trace of whoever wrote it, and passes what the ingress refuses', async () => {
    const { put, group, ingress, telemetry } = await start()
    await put()
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    const record = (offset: number, headers: TopicRecord['headers'] = []): TopicRecord => ({
      ...{ topic: 'orders', partition: 0, offset, timestamp: 0, key: null, value: Buffer.from('x'), headers },
    })
    ingress.respond = ({ n }) => (n === 2 ? 400 : 202)
    const passed: number[] = []
    const { signal } = new AbortController()
    await group.joined[0]?.deps.take(
      {
        records: [
          record(5, [['traceparent', Buffer.from(traceparent)]]),
          record(6, [['traceparent', Buffer.from('x\r\ny')]]),
          record(9),
        ],
      },
      { closing: signal, aborted: signal, passed: (offset) => void passed.push(offset) },
    )
    expect(ingress.requests.map(({ headers }) => headers.traceparent)).toEqual([traceparent, undefined, undefined])
    expect(ingress.stored.map(({ attributes }) => attributes.get('id'))).toEqual([
      'partition:0/offset:5',
      'partition:0/offset:9',
    ])
    expect(passed).toEqual([6, 7, 10])
    const refused = telemetry.lines.find(({ message }) => message.startsWith('record of a source is passed'))
    expect(refused).toMatchObject({ level: 'error', fields: { topic: 'orders', partition: 0, offset: 6 } })
  })

  test('shows how far its group is behind, and nothing while that is not known', async () => {
    const { put, group, telemetry, clock } = await start()
    await put()
    const lag = (partition?: number) =>
      telemetry.read('source_kafka_lag_records', partition === undefined ? {} : { partition })
    expect([lag(0), lag()]).toEqual([10, 20])
    group.at = group.at.map((each) => ({ ...each, committed: 11 }))
    await clock.advance(15_000)
    expect(lag()).toBe(2)
    group.isAway = true
    await clock.advance(15_000)
    expect(lag()).toBe(0)
  })

  test('that goes lets its members leave before the connection is closed', async () => {
    const { put, group, running, telemetry } = await start()
    await put()
    await running[Symbol.asyncDispose]()
    expect([group.joined[0]?.isGone, group.isClosed]).toEqual([true, true])
    expect(telemetry.read('source_kafka_lag_records')).toBe(0)
  })
})
