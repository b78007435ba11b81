import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { isFailure } from '@sluice/errors'
import type { ApiObject } from '@sluice/resources/api'
import { VirtualClock } from '@sluice/testkit'
import fc from 'fast-check'
import type { Registry } from '../registry.ts'
import { at, BY, CONFIG_MAP, object, open } from './testing.ts'

type Step =
  | { readonly do: 'put' | 'delete'; readonly name: string; readonly label: string }
  | { readonly do: 'restart' | 'reconnect' | 'disconnect' | 'wait' }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), name: nameOf(), label: labelOf() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), name: nameOf(), label: labelOf() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('restart' as const, 'reconnect', 'disconnect', 'wait') }) },
)
function nameOf() {
  return fc.constantFrom('a', 'b', 'c', 'd')
}
function labelOf() {
  return fc.constantFrom('x', 'y')
}

/** A client as Kubernetes' are: it lists, watches from there, and lists again when its number has expired. */
class Client {
  readonly selector: string | undefined
  readonly copy = new Map<string, ApiObject>()
  #rv = ''
  #watch: Disposable | undefined
  /** What is wrong with what it was told. */
  readonly faults: string[] = []
  /** How often it had to list again. */
  expirations = 0

  constructor(selector: string | undefined) {
    this.selector = selector
  }

  connect(registry: Registry): void {
    this.disconnect()
    try {
      this.#follow(registry)
    } catch (error) {
      if (!isFailure(error, 'RESOURCE_REFUSED') || error.detail.reason !== 'Expired') throw error
      this.expirations++
      this.#rv = ''
      this.#follow(registry)
    }
  }

  disconnect(): void {
    this.#watch?.[Symbol.dispose]()
    this.#watch = undefined
  }

  #follow(registry: Registry): void {
    const selection = this.selector === undefined ? {} : { labelSelector: this.selector }
    if (this.#rv === '') {
      const { items, resourceVersion } = registry.list(CONFIG_MAP, selection)
      this.copy.clear()
      for (const item of items) this.copy.set(String(item.metadata.name), item)
      this.#rv = resourceVersion
    }
    this.#watch = registry.watch(CONFIG_MAP, { ...selection, resourceVersion: this.#rv }, ({ type, object }) => {
      const name = String(object.metadata.name)
      const rv = String(object.metadata.resourceVersion)
      if (Number(rv) <= Number(this.#rv)) this.faults.push(`${type} ${name} ${rv} after ${this.#rv}`)
      if ((type === 'ADDED') === this.copy.has(name)) this.faults.push(`${type} ${name}, ${[...this.copy.keys()]}`)
      this.#rv = rv
      if (type === 'DELETED') this.copy.delete(name)
      else this.copy.set(name, object)
    })
  }

  expected(registry: Registry) {
    const selection = this.selector === undefined ? {} : { labelSelector: this.selector }
    return registry.list(CONFIG_MAP, selection).items.map((item) => [item.metadata.name, item.metadata.resourceVersion])
  }

  get seen() {
    return [...this.copy]
      .map(([name, { metadata }]) => [name, metadata.resourceVersion])
      .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
  }
}

describe('a watch', () => {
  test('never misses or repeats a change, under writes, restarts and compactions', async () => {
    let expirations = 0
    const run = async (steps: readonly Step[], maxChanges: number) => {
      const options = {
        path: join(mkdtempSync(join(tmpdir(), 'sluice-watch-')), 'resources.db'),
        clock: new VirtualClock(),
        history: { maxChanges, maxAgeMs: 120_000 },
      }
      const always = [new Client(undefined), new Client('app=x')]
      const sometimes = new Client(undefined)
      let registry = await open(options)
      const writes: Promise<unknown>[] = []
      const settled = async () => void (await Promise.allSettled(writes.splice(0)))
      for (const client of [...always, sometimes]) client.connect(registry)
      for (const each of steps) {
        if (each.do === 'put') {
          const next = object(
            CONFIG_MAP,
            each.name,
            { data: { at: String(writes.length) } },
            { labels: { app: each.label } },
          )
          writes.push(
            registry
              .create(CONFIG_MAP, 'default', next, BY)
              .catch(() => registry.update(CONFIG_MAP, at(each.name), next, BY)),
          )
        } else if (each.do === 'delete') writes.push(registry.delete(CONFIG_MAP, at(each.name), {}))
        else if (each.do === 'disconnect') sometimes.disconnect()
        else if (each.do === 'reconnect') {
          await settled()
          sometimes.connect(registry)
        } else if (each.do === 'wait') {
          await settled()
          await options.clock.advance(61_000)
        } else {
          await settled()
          await registry[Symbol.asyncDispose]()
          registry = await open(options)
          for (const client of always) client.connect(registry)
          sometimes.connect(registry)
        }
      }
      await settled()
      sometimes.connect(registry)
      for (const client of [...always, sometimes]) {
        expect(client.faults).toEqual([])
        expect(client.seen).toEqual(client.expected(registry))
      }
      expirations += sometimes.expirations
      await registry[Symbol.asyncDispose]()
    }
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), fc.constantFrom(1, 3, 1_000), run),
      { seed: 20_261_126, numRuns: 25 },
    )
    expect(expirations).toBeGreaterThan(0)
  }, 120_000)
})
