import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import { VirtualClock } from '@sluice/testkit'
import type { WatchEvent } from '../registry.ts'
import { MAX_WAITING_EVENTS } from './config.ts'
import { type OpenWatch, streamWatch } from './watch.ts'

const added = (name: string): WatchEvent => ({
  type: 'ADDED',
  object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } },
})

/** A watch over a real connection; `first` is what it begins with. */
async function setUp(first: readonly WatchEvent[] = []) {
  const clock = new VirtualClock()
  const seen = { encoded: 0, isDisposed: false, wasCut: false, firsts: 0 }
  let emit: (event: WatchEvent) => void = () => {}
  let open: OpenWatch | undefined
  const server = createServer((_request, response) => {
    open = streamWatch(response, {
      ...{ clock, timeoutMs: 5_000, type: 'application/json', onCut: () => Object.assign(seen, { wasCut: true }) },
      watch(on) {
        emit = on
        for (const event of first) on(event)
        return { [Symbol.dispose]: () => Object.assign(seen, { isDisposed: true }) }
      },
      encode({ object }, isFirst) {
        seen.encoded++
        if (object.metadata.name === 'unspeakable') throw new TypeError('no JSON')
        if (isFirst) seen.firsts++
        return JSON.stringify(object)
      },
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const request = get({ host: '127.0.0.1', port })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return {
    ...{ clock, seen, response, request },
    emit: (event: WatchEvent) => emit(event),
    watch: open as unknown as OpenWatch,
    async [Symbol.asyncDispose]() {
      request.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function linesOf(
  response: IncomingMessage,
): Promise<readonly { type: string; object: { metadata: { name: string } } }[]> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

describe('a watch', () => {
  test('tells what there is and each change as a line, in order, and ends in order after its time', async () => {
    await using watch = await setUp([added('a'), added('b')])
    watch.emit(added('c'))
    const lines = linesOf(watch.response)
    await watch.clock.advance(5_000)
    expect((await lines).map(({ object }) => object.metadata.name)).toEqual(['a', 'b', 'c'])
    expect(watch.seen).toMatchObject({ isDisposed: true, wasCut: false, firsts: 1 })
    watch.emit(added('d'))
    await watch.watch.ended
  })

  test('ends at once when the server stops', async () => {
    await using watch = await setUp()
    const lines = linesOf(watch.response)
    watch.emit(added('a'))
    await Promise.resolve()
    watch.watch[Symbol.dispose]()
    expect(await lines).toHaveLength(1)
  })

  test('ends after an error, which is its last line', async () => {
    await using watch = await setUp()
    const lines = linesOf(watch.response)
    watch.emit({ ...added('a'), type: 'ERROR' })
    watch.emit(added('b'))
    expect((await lines).map(({ type }) => type)).toEqual(['ERROR'])
  })

  test('is cut at an object that can not be encoded, and nothing else ends', async () => {
    await using watch = await setUp()
    watch.emit(added('unspeakable'))
    await watch.watch.ended
    expect(watch.seen).toMatchObject({ isDisposed: true, wasCut: true })
  })

  test('lets go when its client goes', async () => {
    await using watch = await setUp()
    watch.request.destroy()
    await watch.watch.ended
    expect(watch.seen.isDisposed).toBe(true)
  })

  test('is cut when its client does not read, having encoded no more than fits', async () => {
    await using watch = await setUp()
    watch.response.pause()
    const large = 'x'.repeat(4_000)
    let sent = 0
    for (; !watch.seen.wasCut && sent < 10 * MAX_WAITING_EVENTS; sent++) {
      watch.emit(added(large))
      if (sent % 500 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await watch.watch.ended
    expect(watch.seen).toMatchObject({ isDisposed: true, wasCut: true })
    expect(sent - watch.seen.encoded).toBeGreaterThan(MAX_WAITING_EVENTS - 1)
  })
})
