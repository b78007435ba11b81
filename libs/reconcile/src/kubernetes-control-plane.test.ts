import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { served, startCluster, until } from '../test/cluster.ts'
import { broker, channel, ref, subscription, trigger } from '../test/objects.ts'

describe('the control plane of a cluster', () => {
  test('makes Brokers and Triggers Ready, and goes on after the API was away', async () => {
    await using stack = new AsyncDisposableStack()
    const { store, serve, stop, lead, create, isReady, registry } = await startCluster(stack)
    await serve()
    const leading = stack.use(lead())
    await create(broker('a'))
    await create(trigger('t', { broker: 'a' }))
    await until(() => isReady('Broker', 'a') && isReady('Trigger', 't'))
    await stop()
    await registry.delete(served('Trigger'), { namespace: 'default', name: 't' }, {})
    await create(trigger('u', { broker: 'a' }))
    await serve()
    await until(() => isReady('Trigger', 'u') && store.contract().routes.length === 1)
    await leading.settled()
    expect(store.contract().routes).toMatchObject([{ name: 'u' }])
  })

  test('a Channel is Ready with its Subscription, although a cluster answers with the fields in another order', async () => {
    await using stack = new AsyncDisposableStack()
    const { serve, lead, create, isReady } = await startCluster(stack)
    await serve()
    stack.use(lead())
    await create(channel('Channel', 'c'))
    await create(subscription('s', {}, ref('Channel', 'c')))
    await until(() => isReady('Subscription', 's') && isReady('Channel', 'c') && isReady('InMemoryChannel', 'c'))
  })

  test('the next leader changes nothing: no row and no status', async () => {
    await using stack = new AsyncDisposableStack()
    const { store, serve, lead, create, isReady, writes } = await startCluster(stack)
    await serve()
    await create(broker('a'))
    await create(trigger('t', { broker: 'a' }))
    const first = lead()
    await until(() => isReady('Broker', 'a') && isReady('Trigger', 't'))
    await first[Symbol.asyncDispose]()
    const before = [store.contract().revision, writes()]
    await stack.use(lead()).settled()
    expect([store.contract().revision, writes()]).toEqual(before)
  })

  test('of an API that is away no row goes; once it is there the rows of what went meanwhile do', async () => {
    await using stack = new AsyncDisposableStack()
    const { registry, store, serve, stop, lead, create, isReady } = await startCluster(stack)
    await serve()
    await create(broker('a'))
    const first = lead()
    await until(() => isReady('Broker', 'a'))
    await first[Symbol.asyncDispose]()
    await stop()
    await registry.delete(served('Broker'), { namespace: 'default', name: 'a' }, {})
    const second = stack.use(lead())
    expect(second.notInForce('default', 'a')).toEqual([])
    await wait(100)
    expect(store.contract().logs).toHaveLength(1)
    await serve()
    await second.settled()
    expect(store.contract().logs).toHaveLength(0)
  })
})
