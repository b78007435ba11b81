import type { HandOut } from './hand-out.ts'
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
