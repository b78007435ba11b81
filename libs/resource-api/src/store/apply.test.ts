import { describe, expect, test } from '@jest/globals'
import { at, CONFIG_MAP, object, open, refusal } from './testing.ts'

const apply = (given: object) => ({ type: 'apply', object: given, force: false }) as const
const map = (data: object, metadata: object = {}) => object(CONFIG_MAP, 'm', { data }, metadata)
const ME = { fieldManager: 'me' }

describe('apply, to what is stored', () => {
  test('for an object of before does not make another of its name', async () => {
    await using registry = await open()
    const refused = await refusal(registry.patch(CONFIG_MAP, at('m'), apply(map({}, { uid: 'past' })), ME))
    expect(refused.detail.reason).toBe('Conflict')
    expect(refused.message).toContain('uid mismatch: the provided object specified uid past')
  })

  test('with a number that is not the stored one is refused, with the stored one not', async () => {
    await using registry = await open()
    const { object: first } = await registry.patch(CONFIG_MAP, at('m'), apply(map({ a: '1' })), ME)
    const { resourceVersion } = first.metadata
    await registry.patch(CONFIG_MAP, at('m'), apply(map({ a: '2' }, { resourceVersion })), ME)
    const stale = registry.patch(CONFIG_MAP, at('m'), apply(map({ a: '3' }, { resourceVersion })), ME)
    expect((await refusal(stale)).detail.reason).toBe('Conflict')
  })

  test('rehearsed leaves everything as it was', async () => {
    await using registry = await open()
    const { object: first } = await registry.patch(CONFIG_MAP, at('m'), apply(map({ a: '1' })), ME)
    const dry = await registry.patch(CONFIG_MAP, at('m'), apply(map({ a: '2' })), { ...ME, dryRun: true })
    expect(dry.object.data).toEqual({ a: '2' })
    expect(registry.get(CONFIG_MAP, at('m'))).toEqual(first)
  })
})
