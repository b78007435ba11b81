import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { apiTable } from '../api/index.ts'
import { formatProblem, loadFolder, manifestParser, readFolder } from './index.ts'

const parse = manifestParser(apiTable())

const broker = (name: string) => `apiVersion: eventing.knative.dev/v1\nkind: Broker\nmetadata: {name: ${name}}\n`

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-folder-'))
})
afterEach(() => rm(folder, { recursive: true }))

const write = (name: string, text: string) => writeFile(join(folder, name), text)
const names = async () => (await loadFolder(folder, parse)).objects.map(({ object }) => object.metadata.name)
const problems = async (of = folder) => (await loadFolder(of, parse)).problems.map(formatProblem)

describe('a folder of manifests', () => {
  test('reads .yaml and .yml below the folder in the order of their names, and nothing else', async () => {
    await mkdir(join(folder, 'sub'))
    await mkdir(join(folder, '.git'))
    await write('b.yml', broker('b'))
    await write('a.yaml', broker('a'))
    await write('sub/c.yaml', broker('c'))
    for (const name of ['.hidden.yaml', '.git/x.yaml', 'notes.txt', 'a.yaml.bak', 'a.yaml~'])
      await write(name, 'kind: [')
    expect(await names()).toEqual(['a', 'b', 'c'])
    expect(await problems()).toEqual([])
  })

  test('a mounted ConfigMap shows each file once', async () => {
    await mkdir(join(folder, '..2026_01_01'))
    await write('..2026_01_01/a.yaml', broker('a'))
    await symlink('..2026_01_01', join(folder, '..data'))
    await symlink('..data/a.yaml', join(folder, 'a.yaml'))
    expect(await names()).toEqual(['a'])
  })

  test('links to folders are followed once, a circle of them ends', async () => {
    await mkdir(join(folder, 'sub'))
    await write('sub/a.yaml', broker('a'))
    await symlink('..', join(folder, 'sub/up'))
    expect(await names()).toEqual(['a'])
  })

  test('what cannot be read is a problem that names it', async () => {
    await symlink('gone', join(folder, 'a.yaml'))
    await write('b.yaml', `#${'x'.repeat(1024 * 1024)}`)
    expect(await problems()).toEqual([
      `${folder}/a.yaml:1:1: (file): is a link to nothing`,
      `${folder}/b.yaml:1:1: (file): is larger than 1 MiB: split it`,
    ])
    expect(await problems(join(folder, 'gone'))).toEqual([`${folder}/gone:1:1: (folder): does not exist`])
    expect(await problems(join(folder, 'b.yaml'))).toEqual([`${folder}/b.yaml:1:1: (folder): is not a folder`])
  })

  test('a folder more than ten deep is a problem, not a blind spot', async () => {
    const deep = join(folder, ...Array<string>(11).fill('d'))
    await mkdir(deep, { recursive: true })
    expect(await problems()).toEqual([`${deep}:1:1: (folder): is more than 10 folders deep`])
  })

  test.each([
    ['quickstart', ['Broker default/default', 'PingSource default/every-minute', 'Trigger default/display']],
    [
      'github-source',
      [
        ...['Broker default/default', 'Trigger default/display'],
        ...['Secret default/github', 'GitHubSource default/hello'],
      ],
    ],
    ['api-server-source', ['Broker default/default', 'Trigger default/display', 'ApiServerSource default/triggers']],
    ['kafka-source', ['Broker default/default', 'Trigger default/display', 'KafkaSource default/orders']],
  ])("the example %s is valid and is what Knative's documentation shows", async (name, labels) => {
    const { objects, problems } = await loadFolder(join(import.meta.dirname, '../../../../examples', name), parse)
    expect(problems).toEqual([])
    expect(objects.map(({ label }) => label)).toEqual(labels)
  })
})

describe('readFolder', () => {
  test('does not parse again what is the same, and sees a change of the same size within the same moment', async () => {
    await write('a.yaml', broker('a'))
    await write('b.yaml', broker('b'))
    const first = await readFolder(folder, parse, new Map(), Date.now())
    await write('b.yaml', broker('c'))
    const second = await readFolder(folder, parse, first, Date.now())
    expect(second.get(join(folder, 'a.yaml'))?.parsed).toBe(first.get(join(folder, 'a.yaml'))?.parsed)
    expect(second.get(join(folder, 'b.yaml'))?.parsed.objects[0]?.object.metadata.name).toBe('c')
  })
})
