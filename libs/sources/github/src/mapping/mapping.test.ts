import { describe, expect, test } from '@jest/globals'
import { EXAMPLES, ROW } from '../../test/bench.ts'
import { eventOf } from './event-of.ts'

const AT = '2026-01-01T00:00:00.000Z'

function attributesOf(event: string, payload: object, mapping: 'knative' | 'cloudevents') {
  const delivery = { event, id: 'd', payload: payload as never, body: Buffer.from('{}'), receivedAt: AT }
  const { attributes } = eventOf(delivery, { mapping, ownerAndRepository: ROW.ownerAndRepository })
  const { specversion, id, datacontenttype, ...own } = Object.fromEntries(attributes)
  return own
}
const first = (
  event: string,
  mapping: 'knative' | 'cloudevents' = 'knative',
  where = (_: Record<string, unknown>) => true,
) => attributesOf(event, EXAMPLES.find((one) => one.event === event && where(one.payload))?.payload ?? {}, mapping)

const KNATIVE = { source: 'https://github.com/Codertocat/Hello-World', time: AT }
const WHERE = { owner: 'Codertocat', repository: 'Hello-World', sender: 'Codertocat' }

describe("attributes as Knative's source sets them", () => {
  test('SRC-15: are subject and extensions of what the event is about', () => {
    expect(first('issues', 'knative', ({ action }) => action === 'edited')).toMatchObject({
      ...{ ...KNATIVE, ...WHERE, type: 'dev.knative.source.github.issues', subject: '1', action: 'edited' },
    })
    expect(first('push', 'knative', ({ ref }) => ref === 'refs/tags/simple-tag')).toEqual({
      ...{
        ...KNATIVE,
        ...WHERE,
        type: 'dev.knative.source.github.push',
        subject: 'simple-tag',
      },
      ...{ pusher: 'Codertocat', ref: 'refs/tags/simple-tag', created: true, deleted: false, forced: false },
    })
    expect(first('pull_request')).toMatchObject({ ...KNATIVE, subject: expect.any(String), number: expect.any(Number) })
    expect(first('issue_comment').subject).toMatch(/^\d+#issuecomment-\d+$/)
    expect(first('commit_comment').subject).toMatch(/^[0-9a-f]{40}#commitcomment-\d+$/)
    expect(first('create')).toMatchObject({ subject: 'tag', ref: 'simple-tag' })
    expect(first('gollum')).toMatchObject({ subject: 'Home' })
    expect(first('status')).toMatchObject({ subject: expect.stringMatching(/^[0-9a-f]{40}$/), state: 'success' })
    expect(first('release')).toMatchObject({ subject: '0.0.1', action: expect.any(String) })
    expect(first('membership')).toMatchObject({ owner: expect.any(String), scope: 'team' })
    expect(first('team')).toEqual({ ...KNATIVE, ...first('team') })
    expect(first('team')).not.toHaveProperty('repository')
  })

  test('events that Knative has no words for have the action, and who it was where', () => {
    expect(first('star')).toEqual({
      ...{ ...KNATIVE, ...WHERE, type: 'dev.knative.source.github.star', action: 'created' },
    })
  })
})

describe('attributes as the CloudEvents adapter for GitHub says', () => {
  test.each([
    ['issues', { type: 'com.github.issue.edited', subject: '1', time: '2019-05-15T15:20:18.000Z' }],
    ['push', { type: 'com.github.push', subject: 'refs/tags/simple-tag', time: AT }],
    ['create', { type: 'com.github.create.tag', subject: 'simple-tag', time: AT }],
    ['deployment_status', { type: 'com.github.deployment_status.success' }],
    ['membership', { type: 'com.github.membership.team.removed' }],
    ['security_advisory', { type: 'com.github.security_advisory.published', source: 'github.com' }],
    ['installation_repositories', { type: 'com.github.installation_repository.added' }],
    ['workflow_run', { type: expect.stringMatching(/^com\.github\.workflow_run\.\w+$/) }],
  ])('%s', (event, expected) => {
    expect(
      EXAMPLES.filter((one) => one.event === event).map(({ payload }) => attributesOf(event, payload, 'cloudevents')),
    ).toContainEqual(expect.objectContaining(expected))
  })

  test('a commit comment, a purchase and a repository are of their own places', () => {
    expect(first('commit_comment', 'cloudevents').source).toMatch(/\/comments\/\d+\/[0-9a-f]{40}$/)
    expect(first('marketplace_purchase', 'cloudevents').source).toBe('https://api.github.com/users')
    expect(first('repository', 'cloudevents')).toMatchObject({ source: 'https://api.github.com/users/Codertocat' })
  })

  test('every recorded payload makes a valid event, with a source of its own', () => {
    for (const { event, payload } of EXAMPLES)
      expect(attributesOf(event, payload, 'cloudevents')).toMatchObject({
        ...{ type: expect.stringMatching(/^com\.github\.[a-z_]+/), source: expect.stringMatching(/^(https?:|github)/) },
      })
  })
})

describe('a payload that is not as GitHub would send it', () => {
  test.each(['knative', 'cloudevents'] as const)('is an event all the same (%s)', (mapping) => {
    const odd = { repository: 5, sender: null, action: { a: 1 }, pages: [null, 3], number: 1e300, release: 'x' }
    for (const event of ['issues', 'gollum', 'pull_request', 'release', 'membership', 'unheard_of'])
      expect(attributesOf(event, odd, mapping)).toMatchObject({ time: AT, source: expect.any(String) })
  })
})
