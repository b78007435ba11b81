import { expect, test } from '@jest/globals'
import { INGRESS, startRig } from './fakes.ts'

test('requests for receivers of sources are theirs, whatever they are; a Broker of a namespace "sources" keeps its own', async () => {
  const seen: string[] = []
  const path = '/sources/shop'
  await using rig = await startRig({
    receivers: {
      handle(request, response) {
        seen.push(`${request.method} ${request.url}`)
        response.writeHead(418).end()
      },
    },
  })
  await rig.contract.put({ ingresses: [{ ...INGRESS, path }] })
  const post = async (url: string, method = 'POST') => (await fetch(new URL(url, rig.ingress.url), { method })).status
  expect(await post('/sources/shop/githubsource/hooks')).toBe(418)
  expect(await post('/sources/shop/githubsource/hooks?a=/b', 'PUT')).toBe(418)
  expect(seen).toEqual(['POST /sources/shop/githubsource/hooks', 'PUT /sources/shop/githubsource/hooks?a=/b'])
  expect([await post(path), await post('/sources/shop/githubsource'), await post('/sources/a/b/c/d')]).toEqual([
    400, 400, 400,
  ])
})
