import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { parsePage } from '../docs/pages.ts'
import { install, ROOT } from './installation.ts'

const PATH = 'docs/guides/github-webhooks.md'
const { fences } = parsePage(PATH, readFileSync(`${ROOT}${PATH}`, 'utf8'))

test('the request of the guide, pasted as it is, is printed as the event that the guide shows', async () => {
  const [start, request] = fences.filter(({ language }) => language === 'bash').map(({ text }) => text)
  const [, folder] = /SLUICE_MANIFESTS=(\S+) npm start/.exec(start ?? '') ?? []
  await using sluice = await install({ env: { SLUICE_MANIFESTS: `${ROOT}${folder}` } })
  const here = (request ?? '').replace('http://127.0.0.1:8080', sluice.ingressUrl)
  const answer = () => execFileSync('sh', ['-c', here], { encoding: 'utf8', timeout: 20_000, stdio: 'pipe' })
  const taken = answer()
  expect(taken).toMatch(/^HTTP\/1.1 202 /)
  for (const line of fences
    .find(({ text }) => text.startsWith('type: '))
    ?.text.trim()
    .split('\n') ?? ['nothing'])
    await sluice.running.printed(new RegExp(line.replaceAll('.', '\\.')))
  // Redelivered, then changed on the way
  expect(answer()).toMatch(/^HTTP\/1.1 202 /)
  expect(
    execFileSync('sh', ['-c', here.replace('"opened"', '"closed"').replace(/printf %s "\$body"/, 'printf %s x')], {
      encoding: 'utf8',
      stdio: 'pipe',
    }),
  ).toMatch(/SIGNATURE_INVALID/)
})
