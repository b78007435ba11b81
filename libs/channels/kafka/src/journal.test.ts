import { describe, expect, test } from '@jest/globals'
import type { Lying } from './client/client.ts'
import { Fold, headersOf, Keys } from './journal.ts'

const keys = new Keys('s')
const EVENT = { ce_specversion: '1.0', ce_id: '1', ce_source: '/s', ce_type: 't' }
const headers = Object.fromEntries(Object.entries(EVENT).map(([name, text]) => [name, Buffer.from(text)]))

/** A journal that holds these, each a key with a value, or with the term of who deletes it. */
function folded(...notes: readonly (readonly [key: string, value: string | number])[]): Fold {
  const fold = new Fold(keys)
  for (const [offset, [key, value]] of notes.entries()) {
    const record: Lying = {
      ...{ offset, storedAt: 0, key: Buffer.from(key) },
      value: typeof value === 'number' ? null : Buffer.from(value),
      headers: typeof value === 'number' ? headersOf(value) : headers,
    }
    fold.take(record)
  }
  return fold
}

const held = ({ asides, redriven }: Fold) => ({ asides: [...asides.keys()], putBack: [...redriven.keys()] })
const [claim1, claim2] = [keys.claim(1, 'a'), keys.claim(2, 'b')]
const aside1 = keys.aside(1, 'e')

describe('what an owner writes that did not know yet that another has the lane', () => {
  test('a copy aside in place of one that counts is put back', () => {
    const fold = folded([claim1, '{}'], [aside1, 'counts'], [claim2, '{}'], [aside1, 'late'])
    expect(held(fold)).toEqual({ asides: [], putBack: [aside1] })
    expect(fold.redriven.get(aside1)?.offset).toBe(3)
  })

  test('it is put back as well where compaction has let the one go that counted', () => {
    expect(held(folded([claim2, '{}'], [aside1, 'late']))).toEqual({ asides: [], putBack: [aside1] })
  })

  test('taking up what was redriven moves it there, and does not lose it', () => {
    const redriven = keys.redriven('e')
    const fold = folded([claim1, '{}'], [redriven, 'x'], [claim2, '{}'], [aside1, 'late'], [redriven, 1])
    expect(held(fold)).toEqual({ asides: [], putBack: [aside1] })
  })

  test('once the owner has it under its own key, it is aside and put back no more', () => {
    const fold = folded([claim2, '{}'], [aside1, 'late'], [keys.aside(2, 'e'), 'late'], [aside1, 2])
    expect(held(fold)).toEqual({ asides: [keys.aside(2, 'e')], putBack: [] })
  })

  test('a deletion of what counts is not heard, a cursor neither', () => {
    const cursor = keys.cursor(1)
    const fold = folded([claim1, '{}'], [aside1, 'counts'], [claim2, '{}'], [aside1, 1], [cursor, '{}'])
    expect(held(fold)).toEqual({ asides: [aside1], putBack: [] })
    expect([fold.cursor, fold.term]).toEqual([undefined, 2])
  })
})
