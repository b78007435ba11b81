import { describe, expect, test } from '@jest/globals'
import { posting, startSink } from '@sluice/testkit'
import { request } from 'undici'
import { stringify } from 'yaml'
import { install } from './installation.ts'
import { broker } from './manifests.ts'

/** One trigger per dialect, each to a path of its own. */
const FILTERS: Readonly<Record<string, object>> = {
  none: {},
  legacy: { filter: { attributes: { type: 'order.paid', tier: '' } } },
  exact: { filters: [{ exact: { type: 'order.paid' } }] },
  prefix: { filters: [{ prefix: { type: 'order.' } }] },
  suffix: { filters: [{ suffix: { type: '.sent' } }] },
  all: { filters: [{ all: [{ prefix: { type: 'order.' } }, { exact: { tier: 'gold' } }] }] },
  any: { filters: [{ any: [{ exact: { type: 'order.sent' } }, { cesql: "EXISTS tier AND tier = 'gold'" }] }] },
  not: { filters: [{ not: { prefix: { type: 'order.' } } }] },
  cesql: { filters: [{ cesql: "type LIKE 'order.%' AND amount > 100" }] },
}

const EVENTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  e1: { 'ce-type': 'order.paid', 'ce-tier': 'gold', 'ce-amount': '250' },
  e2: { 'ce-type': 'order.sent' },
  e3: { 'ce-type': 'invoice.sent', 'ce-tier': 'gold' },
}

const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  none: ['e1', 'e2', 'e3'],
  legacy: ['e1'],
  exact: ['e1'],
  prefix: ['e1', 'e2'],
  suffix: ['e2', 'e3'],
  all: ['e1'],
  any: ['e1', 'e2', 'e3'],
  not: ['e3'],
  cesql: ['e1'],
}

function manifests(sinkUrl: string): string {
  const triggers = Object.entries(FILTERS).map(([name, filter]) => ({
    apiVersion: 'eventing.knative.dev/v1',
    kind: 'Trigger',
    metadata: { namespace: 'default', name },
    spec: { broker: 'default', ...filter, subscriber: { uri: `${sinkUrl}/${name}` } },
  }))
  return broker() + triggers.map((trigger) => `---\n${stringify(trigger)}`).join('')
}

interface Explained {
  readonly triggers: readonly { name: string; matches: boolean; reason?: string }[]
}

describe('filters', () => {
  test('FLT-08 to FLT-18: each trigger gets the events that its filter matches, and explain says the same of each', async () => {
    await using sink = await startSink()
    await using sluice = await install({ manifests: { 'all.yaml': manifests(sink.url) } })
    const explain = (headers: Readonly<Record<string, string>>, path = '/explain/default/default') =>
      request(`${sluice.running.urls.control?.replace(/\/$/, '')}${path}`, { method: 'POST', headers })
    const explained: Record<string, string[]> = Object.fromEntries(Object.keys(FILTERS).map((name) => [name, []]))
    for (const [id, attributes] of Object.entries(EVENTS)) {
      const { headers, body } = posting(id)
      const event = { ...headers, ...attributes }
      expect((await sluice.post({ headers: event, body })).status).toBe(202)
      const { triggers } = (await (await explain(event)).body.json()) as Explained
      expect(triggers.map(({ name }) => name)).toEqual(Object.keys(FILTERS).toSorted())
      for (const { name, matches, reason } of triggers) {
        if (matches) explained[name]?.push(id)
        expect([name, matches, typeof reason]).toEqual([name, matches, matches ? 'undefined' : 'string'])
      }
    }
    expect(explained).toEqual(EXPECTED)
    const requests = await sink.received(Object.values(EXPECTED).flat().length)
    const delivered = Object.keys(FILTERS).map((name) => [
      name,
      requests
        .filter(({ path }) => path === `/${name}`)
        .map(({ id }) => id)
        .toSorted(),
    ])
    expect(Object.fromEntries(delivered)).toEqual(EXPECTED)

    const { headers } = posting('e4')
    const answers = {
      unknown: await explain(headers, '/explain/default/nobody'),
      invalid: await explain({ 'ce-type': 'x' }),
      foreign: await explain({ ...headers, origin: 'http://evil.example' }),
    }
    expect(Object.values(answers).map(({ statusCode }) => statusCode)).toEqual([404, 400, 403])
    expect(answers.invalid.headers['content-type']).toBe('application/problem+json')
    expect(await answers.unknown.body.json()).toMatchObject({ code: 'BROKER_UNKNOWN' })
    await answers.invalid.body.dump()
    await answers.foreign.body.dump()
  })
})
