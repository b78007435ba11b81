import { expect, test } from '@jest/globals'
import type { ServedVersion } from '@sluice/resources/api'
import { memoryClient } from '../test/memory-client.ts'
import { table } from '../test/world.ts'
import { createSecrets } from './secrets.ts'

const SECRET = table.ofKind('v1', 'Secret') as ServedVersion
const at = { namespace: 'shop', name: 'github' }
const secret = (values: Readonly<Record<string, string>>) => ({
  ...{ apiVersion: 'v1', kind: 'Secret', metadata: at },
  data: Object.fromEntries(Object.entries(values).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
})

test('a value is read by its key; what is not there is undefined', async () => {
  const { client } = memoryClient(() => 0)
  const secrets = createSecrets()
  secrets.follow(() => client.informer(SECRET))
  await client.create(SECRET, secret({ token: 'grün' }))
  expect(await secrets.read({ ...at, key: 'token' })).toBe('grün')
  expect(await secrets.read({ ...at, key: 'constructor' })).toBeUndefined()
  expect(await secrets.read({ ...at, name: 'other', key: 'token' })).toBeUndefined()
})

test('a change of a Secret is another version, which holds nothing of it, and is told', async () => {
  const { client } = memoryClient(() => 0)
  const secrets = createSecrets()
  secrets.follow(() => client.informer(SECRET))
  let told = 0
  secrets.changed(() => told++)
  expect(secrets.version(at)).toBeUndefined()
  await client.create(SECRET, secret({ token: 'a' }))
  const first = secrets.version(at)
  await client.update(SECRET, secret({ token: 'b' }))
  expect([told, secrets.version(at) === first]).toEqual([2, false])
  expect(await secrets.read({ ...at, key: 'token' })).toBe('b')
})

test('Secrets are not asked for before somebody wants one, and a read waits until it is known where they are', async () => {
  const { client } = memoryClient(() => 0)
  let asked = 0
  const informer = () => {
    asked++
    return client.informer(SECRET)
  }
  const idle = createSecrets()
  idle.changed(() => {})
  idle.follow(informer)
  expect(asked).toBe(0)
  const secrets = createSecrets()
  const reading = secrets.read({ ...at, key: 'token' })
  await client.create(SECRET, secret({ token: 'a' }))
  secrets.follow(informer)
  expect(await reading).toBe('a')
})
