import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { provisionKubectl } from '@sluice/testkit'
import { parsePage } from '../docs/pages.ts'
import { install } from './installation.ts'

const { found, report } = await provisionKubectl()
const kubectl = found?.kind === 'program' ? found.path : undefined
const PATH = 'docs/guides/knative-without-kubernetes.md'
const guide = parsePage(PATH, readFileSync(new URL(`../../${PATH}`, import.meta.url), 'utf8'))
const fences = (language: string) => guide.fences.filter((fence) => fence.language === language).map(({ text }) => text)
const lines = fences('sh').flatMap((text) => text.split('\n').filter((line) => /^(kubectl|curl http)/.test(line)))

const suite = kubectl === undefined ? describe.skip : describe
suite(`Knative without Kubernetes (${report})`, () => {
  test('every command of the guide does what it says, in its order', async () => {
    await using sluice = await install({})
    await using stack = new AsyncDisposableStack()
    const folder = mkdtempSync(join(tmpdir(), 'sluice-guide-'))
    stack.defer(() => rmSync(folder, { recursive: true, force: true }))
    writeFileSync(join(folder, 'shop.yaml'), fences('yaml').join('---\n'))
    const [, config] = await sluice.running.printed(/export KUBECONFIG=(\S+)/)
    const { ingress = '', control = '' } = sluice.running.urls
    const here = (text: string) =>
      text
        .replace('http://127.0.0.1:8080', ingress.replace(/\/$/, ''))
        .replace('http://127.0.0.1:8090', control.replace(/\/$/, ''))
    const env = {
      ...{ HOME: folder, KUBECONFIG: config },
      PATH: `${dirname(kubectl ?? '')}:${process.env.PATH}`,
    }
    const run = (line: string) =>
      execFileSync('sh', ['-c', here(line)], { cwd: folder, env, encoding: 'utf8', timeout: 20_000 })
    expect(lines.length).toBeGreaterThan(9)
    const said = lines.map((line) => [line, run(line)] as const)
    const outputOf = (start: string) => said.find(([line]) => line.startsWith(start))?.[1]
    expect(outputOf('kubectl apply')?.match(/ created$/gm)).toHaveLength(6)
    expect(outputOf('kubectl -n shop wait')?.match(/ condition met$/gm)).toHaveLength(4)
    expect(outputOf('kubectl -n shop get brokers')).toMatch(/\/channels\/shop\/inmemorychannel\/parcels +\d+s +True/)
    expect(outputOf('kubectl -n shop describe')).toContain('Subscriber Uri:          http://127.0.0.1:9000/')
    expect(outputOf('kubectl diff')).toBe('')
    expect(outputOf('kubectl delete')?.match(/ deleted/g)).toHaveLength(6)
    expect(outputOf('kubectl get brokers,triggers --all-namespaces --selector')).toContain('/display')
    expect(outputOf('curl http://127.0.0.1:8090')).toContain('"TriggerList"')
  })
})
