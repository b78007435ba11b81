import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { runToExit, startProcess } from './process.ts'

const alive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('process runner', () => {
  let folder = ''
  const program = (name: string, source: string) => {
    const path = join(folder, `${name}.mjs`)
    writeFileSync(path, source)
    return path
  }
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-process-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('is ready when every line was printed, and gives the addresses by name', async () => {
    const main = program(
      'server',
      `console.log('  ingress   http://a:1\\n  control   http://b:2')
       setTimeout(() => console.log('  metrics   http://c:3/metrics'), 20)
       setInterval(() => {}, 1000)`,
    )
    await using child = await startProcess(main)
    expect(child.urls).toEqual({ ingress: 'http://a:1', control: 'http://b:2', metrics: 'http://c:3/metrics' })
    child.kill('SIGKILL')
    expect(await child.exit).toEqual({ code: null, signal: 'SIGKILL' })
  })

  test('a process that ends before it is ready is an error with its output', async () => {
    const main = program('refuses', `console.error('no such thing'); process.exitCode = 78`)
    await expect(startProcess(main)).rejects.toThrow('no such thing')
    expect(await runToExit(main)).toMatchObject({ code: 78, signal: null, stderr: 'no such thing\n' })
  })

  test('a process that stays silent is stopped', async () => {
    const main = program('silent', `console.error(process.pid); setInterval(() => {}, 1000)`)
    const error = await startProcess(main, { readyTimeoutMs: 500 }).catch((thrown: Error) => thrown.message)
    expect(error).toContain('within 500 ms')
    expect(alive(Number(/^(\d+)$/m.exec(String(error))?.[1]))).toBe(false)
  })

  test('sees only the environment it is given, and its loop may run empty', async () => {
    const main = program('environment', `console.log(JSON.stringify([process.env.GIVEN, process.env.HOME ?? null]))`)
    expect((await runToExit(main, { env: { GIVEN: 'yes' } })).stdout).toBe('["yes",null]\n')
  })

  test('may have threads of its own', async () => {
    const main = program(
      'threads',
      `import { Worker, isMainThread } from 'node:worker_threads'
       if (isMainThread) new Worker(new URL(import.meta.url)).on('exit', (code) => console.log('thread ' + code))`,
    )
    expect(await runToExit(main)).toMatchObject({ code: 0, stdout: 'thread 0\n' })
  })

  test('dies with whoever started it, even killed outright', async () => {
    const server = program('orphan', `console.log('pid ' + process.pid); setInterval(() => {}, 1000)`)
    const parent = program(
      'parent',
      `import { startProcess } from ${JSON.stringify(new URL('./process.ts', import.meta.url).href)}
       const child = await startProcess(${JSON.stringify(server)}, { ready: { pid: /pid (\\d+)/ } })
       console.log('child ' + child.urls.pid)
       setInterval(() => {}, 1000)`,
    )
    await using running = await startProcess(parent, { ready: { child: /child (\d+)/ } })
    const pid = Number(running.urls.child)
    expect(alive(pid)).toBe(true)
    running.kill('SIGKILL')
    // Its output closes when its last holder, the grandchild included, is gone; then only its entry may linger.
    await running.exit
    for (let look = 0; look < 200 && alive(pid); look += 1) await new Promise((next) => setTimeout(next, 10))
    expect(alive(pid)).toBe(false)
  }, 15_000)
})
