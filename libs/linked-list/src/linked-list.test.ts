import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type Linked, LinkedList } from './index.ts'

class Item implements Linked<Item> {
  readonly id: number
  next: Item | undefined = undefined
  previous: Item | undefined = undefined
  constructor(id: number) {
    this.id = id
  }
}

const idsOf = (list: LinkedList<Item>) => Array.from(list, ({ id }) => id)

describe('linked list', () => {
  test('behaves as a Set does, whatever is appended and removed, in any order', () => {
    const step = fc.tuple(fc.boolean(), fc.nat(9))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const items = Array.from({ length: 10 }, (_, id) => new Item(id))
        const list = new LinkedList<Item>()
        const model = new Set<number>()
        for (const [appends, id] of steps) {
          const item = items[id] as Item
          if (!appends) expect(list.remove(item)).toBe(model.delete(id))
          else if (!model.has(id)) {
            list.append(item)
            model.add(id)
          }
          expect(idsOf(list)).toEqual([...model])
          expect(list.size).toBe(model.size)
          expect(list.oldest?.id).toBe([...model][0])
        }
      }),
    )
  })

  test('the item at hand may be removed while the list is walked', () => {
    const list = new LinkedList<Item>()
    for (let id = 0; id < 5; id++) list.append(new Item(id))
    const seen: number[] = []
    for (const item of list) {
      seen.push(item.id)
      list.remove(item)
    }
    expect(seen).toEqual([0, 1, 2, 3, 4])
    expect(list.size).toBe(0)
  })

  test('a removed item links to no other, so that it keeps none in memory', () => {
    const list = new LinkedList<Item>()
    const items = [new Item(0), new Item(1), new Item(2)]
    for (const item of items) list.append(item)
    const [, middle] = items
    list.remove(middle as Item)
    expect([middle?.next, middle?.previous]).toEqual([undefined, undefined])
    expect(list.remove(middle as Item)).toBe(false)
    expect(idsOf(list)).toEqual([0, 2])
  })
})
