import { describe, expect, test } from '@jest/globals'
import type { FilterSpec, Rows } from '@sluice/contract'
import { banner } from '../src/banner.ts'
import { firstEvent } from '../src/first-event.ts'

const DISPLAY = 'http://127.0.0.1:4000/'
const PLACES = { ingress: 'http://127.0.0.1:8080', manifests: '/etc/shop', dataDir: '.sluice' }

/** Brokers by `namespace/name`, each with its triggers: where they deliver, and what they pick. */
function rows(brokers: Readonly<Record<string, readonly { url: string; filter?: FilterSpec }[]>>): Rows {
  const names = Object.entries(brokers).map(([key, triggers]) => {
    const [namespace = '', name = ''] = key.split('/')
    return { key, namespace, name, triggers }
  })
  const all = names.flatMap(({ key, namespace, triggers }) =>
    triggers.map((trigger, n) => ({ ...trigger, uid: `${key}/${n}`, namespace, name: `t${n}`, log: key })),
  )
  const spec = { retry: 0, backoffPolicy: 'linear', backoffDelayMs: 0, timeoutMs: 1 } as const
  return {
    logs: [],
    ingresses: names.map(({ key, namespace, name }) => ({
      ...{ uid: key, hash: '', namespace, name, path: `/${key}`, log: key },
    })),
    routes: all.map(({ uid, namespace, name, log, filter = {} }) => ({
      ...{ uid, hash: '', namespace, name, log, filter, delivery: uid, since: 0 },
    })),
    deliveries: all.map(({ uid, namespace, name, url }) => ({
      ...{ uid, hash: '', namespace, name, channel: '', subscriber: { url, internal: false } },
      ...{ spec, maxInFlight: 1, backlogMaxBytes: 1, strictReplies: false },
    })),
    sources: [],
  }
}
const shown = (state: Rows) => banner(PLACES, firstEvent(state, DISPLAY))

describe('the banner', () => {
  test('names default/default where there is one', () => {
    const text = shown(rows({ 'a/a': [{ url: DISPLAY }], 'default/default': [{ url: DISPLAY }] }))
    expect(text).toMatch(
      /^Paste this, and the event shows up here:\n\n {2}curl -i http:\/\/127.0.0.1:8080\/default\/default -H/m,
    )
  })

  test('else a broker whose event shows up, else one where it matches, else the first', () => {
    const silent = [{ url: 'http://x/', filter: { attributes: { type: 'other' } } }]
    const pathOf = (state: Rows) => firstEvent(state, DISPLAY)?.path
    expect(pathOf(rows({ 'a/a': silent, 'b/b': [{ url: 'http://x/' }], 'c/c': [{ url: `${DISPLAY}path` }] }))).toBe(
      '/c/c',
    )
    expect(pathOf(rows({ 'a/a': silent, 'b/b': [{ url: 'http://x/' }] }))).toBe('/b/b')
    expect(pathOf(rows({ 'b/b': silent, 'a/a': silent }))).toBe('/a/a')
  })

  test('says where the event goes if not to this screen', () => {
    expect(shown(rows({ 'shop/orders': [{ url: 'http://x/' }, { url: 'http://y/' }] }))).toContain(
      'Paste this, and the event goes to http://x/ (trigger shop/t0) and to 1 more, not to this screen:',
    )
  })

  test('says that no trigger matches the event, a filter of the display included', () => {
    const picky = { url: DISPLAY, filter: { attributes: { type: 'order.paid' } } }
    expect(shown(rows({ 'shop/orders': [picky] }))).toContain('goes nowhere: no trigger matches it:\n\n  curl -i ')
  })

  test('without a broker there is no line to paste, but the folder to fill', () => {
    const text = shown(rows({}))
    expect(text).toContain(
      'No broker takes events yet: put manifests into /etc/shop; they are in force within a second.',
    )
    expect(text).not.toContain('curl')
  })

  test('shows every place, what is off, and the address for others', () => {
    expect(banner({ ...PLACES, ingressUrl: 'https://events.example', control: 'http://127.0.0.1:8090' })).toContain(`
  ingress   http://127.0.0.1:8080 (from elsewhere https://events.example)
  control   http://127.0.0.1:8090
  metrics   off
  manifests /etc/shop
`)
  })
})
