import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, describe, expect, test } from '@jest/globals'
import { judge, posting, startSink } from '@sluice/testkit'
import { install } from './installation.ts'
import { broker, quickRetries, trigger } from './manifests.ts'

/** A file system of 64 MiB of its own; only root may mount one. */
function mountSmall(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-small-'))
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'sluice-test', folder])
  if (status === 0) return folder
  rmdirSync(folder)
  return undefined
}

const small = mountSmall()
if (small === undefined) process.stderr.write('disk-full skipped: mounting a small file system needs root\n')

describe('a full disk', () => {
  afterAll(() => {
    if (small === undefined) return
    spawnSync('umount', ['-l', small])
    rmdirSync(small)
  })
  const onSmallDisk = small === undefined ? test.skip : test

  onSmallDisk(
    'is 503 for new events, never a crash; what was accepted is delivered, and space brings 202 back',
    async () => {
      const disk = small as string
      let isDown = true
      await using sink = await startSink({ respond: () => (isDown ? 503 : 204), keepBodyBytes: 0 })
      await using sluice = await install({
        manifests: {
          'all.yaml': broker() + trigger('one', { uri: sink.url, delivery: { ...quickRetries(1_000) } }),
        },
        dataDir: join(disk, 'data'),
      })
      const accepted: string[] = []
      const post = async (id: string) => {
        const { status } = await sluice.post(posting(id, {}, 30_000))
        if (status === 202) accepted.push(id)
        return status
      }
      expect(await post('first')).toBe(202)
      const { bavail, bsize } = statfsSync(disk)
      const ballast = join(disk, 'ballast')
      writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - 4 * 1024 * 1024)))

      let status = 202
      for (let n = 0; status === 202 && n < 500; n += 1) status = await post(`filling-${n}`)
      expect(status).toBe(503)

      isDown = false
      const delivered = () =>
        judge({ sent: accepted, received: sink.requests.map(({ id }) => id) }).missing.length === 0
      await sink.until('delivery of everything accepted', delivered)

      rmSync(ballast)
      for (let tries = 0; status !== 202 && tries < 200; tries += 1) {
        await wait(10)
        status = await post(`after-${tries}`)
      }
      expect(status).toBe(202)
      await sink.until('delivery of what came after', delivered)
      expect(sluice.running.stderr() + sluice.running.stdout()).not.toMatch(/\n\s+at /)
    },
    15_000,
  )

  onSmallDisk(
    'is left again without help once all that fills it was delivered',
    async () => {
      const disk = small as string
      await using sink = await startSink({ keepBodyBytes: 0 })
      await using sluice = await install({
        manifests: { 'all.yaml': broker() + trigger('one', { uri: sink.url }) },
        dataDir: join(disk, 'delivered'),
      })
      let status = 202
      for (let n = 0; status === 202 && n < 5_000; n += 1)
        status = (await sluice.post(posting(`e-${n}`, {}, 30_000))).status
      expect(status).toBe(503)
      for (let tries = 0; status !== 202 && tries < 100; tries += 1) {
        await wait(50)
        status = (await sluice.post(posting(`after-${tries}`, {}, 30_000))).status
      }
      expect(status).toBe(202)
    },
    30_000,
  )
})
