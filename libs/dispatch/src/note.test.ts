import { expect, test } from '@jest/globals'
import { deadLetterNote, parkedNote, readNote, stageOf } from './note.ts'

const failure = { dest: 'http://x/', status: 503, data: Buffer.from('sorry') }
const note = deadLetterNote(3, failure)

test('without a note a delivery stands at the subscriber', () => {
  expect(stageOf({ attempt: 1, note: undefined })).toEqual({ at: 'subscriber', retries: 0 })
  expect(stageOf({ attempt: 3, note: undefined })).toEqual({ at: 'subscriber', retries: 2 })
})

test('after its hand-on it stands at the dead letter sink, whose retries count from there', () => {
  expect(stageOf({ attempt: 4, note })).toEqual({ at: 'dead-letter', retries: 0, attempts: 3, failure })
  expect(stageOf({ attempt: 6, note })).toMatchObject({ at: 'dead-letter', retries: 2 })
})

test('redriven as attempt 1 it starts at the subscriber again', () => {
  expect(stageOf({ attempt: 1, note })).toEqual({ at: 'subscriber', retries: 0 })
})

test.each(['', 'null', '[]', '{"v":2,"stage":"dead-letter"}', '{"v":1,"stage":"dead-letter","attempts":1}', '{"v":1'])(
  'a note that is not ours (%s) means the beginning',
  (text) => {
    expect(readNote(text)).toBeUndefined()
    expect(stageOf({ attempt: 2, note: text })).toEqual({ at: 'subscriber', retries: 1 })
  },
)

test('a parked note says how both stages failed', () => {
  const sink = { dest: 'http://dls/', status: 410, data: Buffer.from('gone') }
  expect(readNote(parkedNote(stageOf({ attempt: 5, note }), sink))).toEqual({
    v: 1,
    stage: 'parked',
    attempts: 3,
    failure: { dest: 'http://x/', status: 503, data: Buffer.from('sorry').toString('base64') },
    sink: { dest: 'http://dls/', status: 410, data: Buffer.from('gone').toString('base64') },
  })
})

test('a note is never longer than the port takes', () => {
  const long = { dest: `http://x/${'%C3%BC'.repeat(5_000)}`, status: 500, data: Buffer.alloc(1_024, 0xff) }
  const stage = stageOf({ attempt: 4, note: deadLetterNote(3, long) })
  expect(parkedNote(stage, long).length).toBeGreaterThan(3_000)
  expect(readNote(parkedNote(stage, long))?.sink?.data).toBe(long.data.toString('base64'))
  const atSubscriber = parkedNote({ at: 'subscriber', retries: 3 }, long)
  expect(readNote(atSubscriber)?.failure.data).toBe(long.data.toString('base64'))
  expect(Buffer.byteLength(atSubscriber)).toBeLessThanOrEqual(4_096)
  expect(Buffer.byteLength(parkedNote(stage, long))).toBeLessThanOrEqual(4_096)
})
