import { describe, expect, test } from '@jest/globals'
import { settle } from '@sluice/testkit'
import { Apart } from '../../test/apart.ts'
import { MAX_ANSWER_BYTES, MAX_QUESTIONS, QUESTION_MS } from './protocol.ts'

const named = (replica: string) => expect.objectContaining({ replica })

describe('a question to the replicas', () => {
  test('is answered by each that lives, at once, over the line that it opened', async () => {
    const apart = new Apart()
    const { service } = await apart.serve()
    for (const replica of ['a', 'b'])
      (await apart.follow({ replica })).answer('weather', async (about) => ({ replica, about }))
    await settle()
    expect(await service.ask('weather', { town: 'x' })).toEqual({
      answers: [
        { replica: named('a'), answer: { replica: 'a', about: { town: 'x' } } },
        { replica: named('b'), answer: { replica: 'b', about: { town: 'x' } } },
      ],
      unanswered: [],
    })
    expect(await (await new Apart().serve()).service.ask('weather', {})).toEqual({ answers: [], unanswered: [] })
  })

  test('names who is silent, who knows nothing, whose answer is too large, and who failed, without its words', async () => {
    const apart = new Apart()
    const { service } = await apart.serve()
    await apart.follow({ replica: 'ignorant' })
    const follow = async (replica: string, answerer: () => Promise<object>) =>
      (await apart.follow({ replica })).answer('weather', answerer)
    await follow('silent', () => new Promise(() => {}))
    await follow('large', async () => ({ text: 'x'.repeat(MAX_ANSWER_BYTES) }))
    await follow('failing', () => Promise.reject(new Error('secret')))
    await settle()
    const asked = service.ask('weather', {})
    await settle()
    await apart.clock.advance(QUESTION_MS)
    const { answers, unanswered } = await asked
    expect(answers).toEqual([])
    expect(unanswered.map(({ replica, reason }) => [replica.replica, reason])).toEqual([
      ['ignorant', 'nothing here answers about weather'],
      ['silent', 'no answer within 2000 ms'],
      ['large', `its answer is larger than ${MAX_ANSWER_BYTES} bytes`],
      ['failing', 'it failed; its log says why'],
    ])
    expect(apart.telemetry.lines.filter(({ message }) => message.includes('not answered'))).toHaveLength(1)
  })

  test('does not wait for a replica that leaves meanwhile', async () => {
    const apart = new Apart()
    const { service } = await apart.serve()
    const leaving = await apart.follow({ replica: 'leaving' })
    leaving.answer('weather', () => new Promise(() => {}))
    await settle()
    const asked = service.ask('weather', {})
    await settle()
    await leaving[Symbol.asyncDispose]()
    expect(await asked).toEqual({
      answers: [],
      unanswered: [{ replica: named('leaving'), reason: 'its lease ended' }],
    })
  })

  test('is one of sixteen at most; who answers late, or without a lease, changes nothing', async () => {
    const apart = new Apart()
    const { service } = await apart.serve()
    const late = Promise.withResolvers<object>()
    ;(await apart.follow()).answer('weather', () => late.promise)
    await settle()
    const asked = Array.from({ length: MAX_QUESTIONS }, () => service.ask('weather', {}))
    await expect(service.ask('weather', {})).rejects.toMatchObject({ detail: { code: 'CONTRACT_QUESTIONS_FULL' } })
    await settle()
    await apart.clock.advance(QUESTION_MS)
    for (const { unanswered } of await Promise.all(asked)) expect(unanswered).toHaveLength(1)
    late.resolve({})
    await settle()
    expect(() => service.answer({ instance: 'nobody', id: '1', answer: {} })).toThrow('no such lease')
    const again = service.ask('weather', {})
    await settle()
    expect((await again).answers).toHaveLength(1)
  })
})
