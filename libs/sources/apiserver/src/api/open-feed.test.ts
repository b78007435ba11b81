import { describe, expect, test } from '@jest/globals'
import { VirtualClock } from '@sluice/testkit'
import { openFeed } from './open-feed.ts'

const SIGNAL = new AbortController().signal

function feedOf(answer: (path: string) => object, isWhole = true) {
  const seen: { readonly path: string; readonly accept: unknown }[] = []
  const feed = openFeed({
    clock: new VirtualClock(),
    stream: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', selector: 'app in (a,b)' },
    resource: { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments', isNamespaced: true },
    isWhole,
    async transport(path, { headers }) {
      seen.push({ path, accept: new Headers(headers).get('accept') })
      return Response.json(answer(path))
    },
  })
  return { feed, seen }
}

describe('the feed of a resource', () => {
  test('lists what its selector chooses, in pages that hold fewer of large objects', async () => {
    const large = { metadata: { name: 'a' }, data: 'x'.repeat(1_000_000) }
    const { feed, seen } = feedOf(() => ({ metadata: { resourceVersion: '7', continue: 'more' }, items: [large] }))
    expect(await feed.list(undefined, SIGNAL)).toMatchObject({ version: '7', next: 'more' })
    await feed.list('more', SIGNAL)
    const path = '/apis/apps/v1/namespaces/shop/deployments?labelSelector=app+in+%28a%2Cb%29'
    expect(seen.map((each) => each.path)).toEqual([`${path}&limit=50`, `${path}&limit=4&continue=more`])
  })

  test('and up to 500 of small ones', async () => {
    const { feed, seen } = feedOf(() => ({ metadata: { resourceVersion: '7' }, items: [{ metadata: { name: 'a' } }] }))
    expect(await feed.list(undefined, SIGNAL)).not.toHaveProperty('next')
    await feed.list(undefined, SIGNAL)
    expect(seen[1]?.path).toContain('limit=500')
  })

  test('asks for names alone where that is all that is told', async () => {
    const { feed, seen } = feedOf(() => ({ metadata: { resourceVersion: '7' }, items: [] }), false)
    await feed.list(undefined, SIGNAL)
    await feed.watch('7', SIGNAL)[Symbol.asyncIterator]().next()
    // kube-apiserver 1.34 answers a watch that takes a list with nothing at all
    expect(seen.map(({ accept }) => accept)).toEqual([
      'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
      'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json',
    ])
  })

  test('watches from a version on, with bookmarks, for a minute', async () => {
    const { feed, seen } = feedOf(() => ({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } }))
    const lines = feed.watch('7', SIGNAL)[Symbol.asyncIterator]()
    expect((await lines.next()).value).toEqual([])
    const query = new URLSearchParams(seen[0]?.path.split('?')[1])
    expect(Object.fromEntries(query)).toEqual({
      ...{ watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: '60', resourceVersion: '7' },
      labelSelector: 'app in (a,b)',
    })
  })
})
