import { describe, expect, test } from '@jest/globals'
import { eventDisplayRoutes, startEventDisplay } from './start.ts'

function setUp() {
  const texts: string[] = []
  return { texts, app: eventDisplayRoutes((text) => void texts.push(text)) }
}
const binary = { 'ce-id': '1', 'ce-source': '/curl', 'ce-specversion': '1.0', 'ce-type': 'dev.example' }

describe('the event display', () => {
  test.each(['/', '/any/path?x=1'])('shows a binary event posted to %s and answers 200 without a body', async (url) => {
    const { app, texts } = setUp()
    const headers = { ...binary, 'content-type': 'application/json' }
    const response = await app.inject({ method: 'POST', url, headers, payload: '{"msg":"hi"}' })
    expect([response.statusCode, response.body]).toEqual([200, ''])
    expect(texts).toEqual([
      expect.stringMatching(/^☁️ {2}cloudevents\.Event\n[\s\S]*Data,\n {2}\{\n {4}"msg": "hi"\n {2}\}\n$/),
    ])
  })

  test('shows an event without data or content type', async () => {
    const { app, texts } = setUp()
    expect((await app.inject({ method: 'POST', url: '/', headers: binary })).statusCode).toBe(200)
    expect(texts[0]).not.toMatch(/Data,/)
  })

  test('shows every event of a batch, in order', async () => {
    const { app, texts } = setUp()
    const of = (id: string) => ({ specversion: '1.0', type: 't', source: '/s', id })
    const headers = { 'content-type': 'application/cloudevents-batch+json' }
    await app.inject({ method: 'POST', url: '/', headers, payload: JSON.stringify([of('a'), of('b')]) })
    expect(texts.join('').match(/ {2}id: ./g)).toEqual(['  id: a', '  id: b'])
  })

  test('answers 400 with the problem to what is no CloudEvent, and shows nothing', async () => {
    const { app, texts } = setUp()
    const headers = { 'content-type': 'application/json' }
    const response = await app.inject({ method: 'POST', url: '/', headers, payload: '{}' })
    expect(response.statusCode).toBe(400)
    expect(response.json().error).toEqual(expect.any(String))
    expect(texts).toEqual([])
  })

  test('answers 405 to other methods', async () => {
    const { app } = setUp()
    const response = await app.inject({ method: 'GET', url: '/' })
    expect([response.statusCode, response.headers.allow]).toEqual([405, 'POST'])
  })

  test('listens where its url says, and a taken port is PORT_IN_USE', async () => {
    await using shown = await startEventDisplay({ host: '127.0.0.1', port: 0, write: () => undefined })
    const response = await fetch(shown.url, { method: 'POST', headers: binary })
    expect(response.status).toBe(200)
    const port = Number(new URL(shown.url).port)
    await expect(startEventDisplay({ host: '127.0.0.1', port, write: () => undefined })).rejects.toMatchObject({
      detail: { code: 'PORT_IN_USE' },
    })
  })
})
