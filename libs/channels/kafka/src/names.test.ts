import { expect, test } from '@jest/globals'
import { ChannelNames } from './names.ts'

const topicOf = (name: string, prefix = 'sluice', isExternal = false) =>
  new ChannelNames(prefix, 'log/a/b/uid', { kind: 'log', backend: { name, isExternal } }).events

test('a topic is called as it is wished; of an installation with a prefix of its own it begins with that', () => {
  expect(topicOf('knative-broker-a-b')).toBe('knative-broker-a-b')
  expect(topicOf('knative-messaging-kafka.a.b')).toBe('knative-messaging-kafka.a.b')
  expect(topicOf('knative-broker-a-b', 'blue')).toBe('blue.knative-broker-a-b')
  expect(topicOf('orders', 'blue', true)).toBe('orders')
  expect(new ChannelNames('sluice', 'log/a', { kind: 'log', backend: {} }).events).toBe('sluice.log_2Fa.log')
})

test('a name that Kafka would not take is cut and ends in its hash, so that two stay two', () => {
  const [one, two] = [topicOf(`knative-broker-a-${'b'.repeat(253)}c`), topicOf(`knative-broker-a-${'b'.repeat(253)}d`)]
  expect(one).toMatch(/^knative-broker-a-b+-[0-9a-f]{32}$/)
  expect(one).toHaveLength(249)
  expect(two).not.toBe(one)
  expect(topicOf('a b')).toMatch(/^a-b-[0-9a-f]{32}$/)
})
