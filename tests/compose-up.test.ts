import { createHmac } from 'node:crypto'
import { expect, jest, test } from '@jest/globals'
import { until } from '@sluice/testkit'
import { findCompose, openProject } from './compose/project.ts'

const ROOT = new URL('..', import.meta.url).pathname
/** Every image is built, of servers and Node pulled where they are not there. */
const UP_MS = 10 * 60_000
const EVENT_MS = 60_000
jest.setTimeout(UP_MS + 5 * EVENT_MS)

const name =
  'docker compose up: a webhook signed with a Secret is shown, and again after services, then all, were made anew'
const isAsked = process.env.SLUICE_TESTS === 'all'
const compose = isAsked ? await findCompose() : undefined
if (compose === undefined) test.skip(`${name} (needs SLUICE_TESTS=all and a container engine)`, () => undefined)
else
  test(name, async () => {
    await using project = openProject(compose, ROOT, './examples/github-source')
    /** The Secret reaches the source over TLS alone. */
    const isShown = async (delivery: string) => {
      const address = await project.address('source-github', 8080)
      const status = async () => (await webhook(address, delivery).catch(() => undefined))?.status
      await until(`202 for ${delivery}`, async () => (await status()) === 202, EVENT_MS)
      const isPrinted = async () => (await project.compose('logs', 'event-display')).includes(`id: ${delivery}`)
      await until(`the event ${delivery}`, isPrinted, EVENT_MS)
    }
    await project.compose('up', '-d', '--build')
    await isShown('first')
    expect(await project.compose('logs', 'setup')).toContain('made /tls/controller.crt')
    // The certificate is made anew, and services that run trust it
    await project.compose('run', '--rm', '--entrypoint', 'node', 'setup', '-e', "fs.rmSync('/tls/controller.crt')")
    await project.compose('up', '-d')
    await project.compose('restart', 'controller')
    await project.compose('restart', 'source-github')
    await isShown('second')
    await project.compose('down')
    await project.compose('up', '-d')
    await isShown('third')
    expect(await project.compose('logs', 'setup')).toContain('nothing to make')
  })

/** Of a body of its own: one that comes again under another id is a copy. */
function webhook(address: string, delivery: string): Promise<Response> {
  const repository = { name: 'Hello-World', owner: { login: 'octocat' } }
  const body = JSON.stringify({ issue: { number: 1, title: delivery }, repository, sender: { login: 'octocat' } })
  const signature = createHmac('sha256', 'change me').update(body).digest('hex')
  return fetch(`http://${address}/sources/default/githubsource/hello`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'issues',
      'x-github-delivery': delivery,
      'x-hub-signature-256': `sha256=${signature}`,
    },
  })
}
