import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { parseAllDocuments } from 'yaml'
import { bench, ROW } from '../test/bench.ts'

const file = new URL('../../../../deploy/kubernetes/source-apiserver-rbac.yaml', import.meta.url)
const documents = parseAllDocuments(readFileSync(file, 'utf8')).map((each) => each.toJS())

test('the rights of the service in a cluster are to make tokens, which is all that it asks for beside what everybody may', async () => {
  const { clock, desk, replica, own, api } = bench()
  await using _ = replica()
  await desk.put({ ...ROW, namespaces: ['shop', 'stock'] })
  await clock.advance(60_000)
  api.put('shop', 'a')
  api.compact()
  api.cut()
  await clock.advance(7_200_000)
  expect(new Set(own)).toEqual(new Set(['GET /api/v1', 'POST /api/v1/namespaces/shop/serviceaccounts/default/token']))
  expect(documents.find(({ kind }) => kind === 'ClusterRole').rules).toEqual([
    { apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] },
  ])
})
