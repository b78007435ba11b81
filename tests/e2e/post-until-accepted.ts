import { setTimeout as wait } from 'node:timers/promises'
import type { Posting } from '@sluice/testkit'
import { request } from 'undici'

const RETRY_MS = 20

/** Posts until it is accepted: a service that starts or stops meanwhile answers 503, or nothing. */
export async function postUntilAccepted(ingressUrls: readonly string[], event: Posting, path = '/default/default') {
  for (let tries = 0; tries < 500; tries += 1) {
    const { headers, body } = event
    const url = `${ingressUrls[tries % ingressUrls.length]}${path}`
    const answer = await request(url, { method: 'POST', headers, body }).catch(() => undefined)
    await answer?.body.dump()
    if (answer?.statusCode === 202) return
    await wait(RETRY_MS)
  }
  throw new Error(`event ${event.id} was not accepted`)
}
