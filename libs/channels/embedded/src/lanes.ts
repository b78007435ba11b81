import type { HandOut } from './hand-out.ts'
import type { Item } from './item.ts'
import type { Member } from './subscribe.ts'

/**
 * Which consumer has which lane. A lane moves only when nothing of it is out, so that one lane is never at two
 * consumers at once.
 */
export class Lanes {
  readonly #members: Member[] = []
  readonly #owners: (Member | undefined)[]
  readonly #out: number[]

  constructor(lanes: number) {
    this.#owners = new Array(lanes).fill(undefined)
    this.#out = new Array(lanes).fill(0)
  }

  get members(): readonly Member[] {
    return this.#members
  }

  join(member: Member): void {
    this.#members.push(member)
  }

  leave(member: Member): void {
    this.#members.splice(this.#members.indexOf(member), 1)
  }

  /** Who may be handed the lane's next entry now; undefined while it moves or nobody is there. */
  ownerOf(lane: number): Member | undefined {
    const wanted = this.#members[lane % this.#members.length]
    if (this.#owners[lane] !== wanted && this.#out[lane] === 0) this.#owners[lane] = wanted
    return this.#owners[lane] === wanted ? wanted : undefined
  }

  handedOut({ item }: HandOut): void {
    this.#out[item.lane] = (this.#out[item.lane] as number) + 1
  }

  ended({ item }: HandOut): void {
    this.#out[item.lane] = (this.#out[item.lane] as number) - 1
  }
}

/**
 * Lets `grant` take up to `room` of `items`, in order within each lane, and answers what is left. A refusal holds back
 * its lane; with one consumer it holds back all, so nothing further is tried.
 */
export function grantInOrder(
  items: Item[],
  room: number,
  isOnlyConsumer: boolean,
  grant: (item: Item) => boolean,
): Item[] {
  let taken = 0
  if (isOnlyConsumer) {
    while (taken < items.length && taken < room && grant(items[taken] as Item)) taken++
    return taken === 0 ? items : items.slice(taken)
  }
  const refused = new Set<number>()
  const left: Item[] = []
  for (const item of items) {
    if (taken < room && !refused.has(item.lane) && grant(item)) taken++
    else {
      refused.add(item.lane)
      left.push(item)
    }
  }
  return left
}
