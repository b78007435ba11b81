import { EVENT_TYPE } from '@sluice/cloudevents'
import { request } from 'undici'
import type { EventGiven, Sent } from './options.ts'

/** Posts in structured mode, as it was given: what is wrong with it is for the ingress to say. */
export async function post(url: string, given: EventGiven, id: string): Promise<Sent> {
  const { data, ...attributes } = { specversion: '1.0', id, source: '/test', type: 'test', ...given }
  const isBytes = data instanceof Uint8Array
  const carried = data === undefined ? {} : isBytes ? { data_base64: Buffer.from(data).toString('base64') } : { data }
  const answer = await request(url, {
    method: 'POST',
    headers: { 'content-type': EVENT_TYPE },
    body: JSON.stringify({ ...attributes, ...carried }),
  })
  const text = await answer.body.text()
  const status = answer.statusCode
  return text === '' ? { status } : { status, problem: JSON.parse(text) as Required<Sent>['problem'] }
}
