import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { EventingError } from '@sluice/errors'
import { cacheFolder, madeOnce } from './cache.ts'
import { onPath, runCommand } from './command.ts'
import { type Program, startProgram } from './program.ts'
import { type Provision, provision, type Way } from './provision.ts'
import { newStoreFolder } from './store-folder.ts'

const PROGRAM = 'nats-server'
/** Built first, in a minute: Debian 12 has the oldest that the driver takes, which can't be killed in all tests. */
const GO_MODULE = 'github.com/nats-io/nats-server/v2@v2.15.2'
const IMAGE = 'nats:2.12-alpine'
const CONTAINER_MS = 2 * 60_000
const BUILD_MS = 9 * 60_000
const QUICK_MS = 60_000
const PORT_TRIES = 500
const PORT_LOOK_MS = 10

export interface NatsServer extends AsyncDisposable {
  readonly url: string
  readonly host: string
  readonly port: number
  /** Of its process as it runs now; 0 for one that is not ours. */
  readonly pid: number
  /** False for a server that others use: what needs a restart is skipped. */
  readonly isOurs: boolean
  kill(signal: NodeJS.Signals): Promise<void>
  /** SIGSTOP and SIGCONT: it is there and does not answer. */
  send(signal: NodeJS.Signals): void
  /** After `kill`, on the same port with what it had stored. */
  start(): Promise<void>
}

/** Which nats-server the tests of this machine can use; looked for once per process, fetched once per machine. */
export function provisionNats(env: NodeJS.ProcessEnv = process.env): Promise<Provision> {
  return provision('nats-server', [external(env), installed(env), container(), fetched()])
}

function external({ NATS_URL }: NodeJS.ProcessEnv): Way {
  return {
    advice: 'set NATS_URL to a server with JetStream',
    find: async () =>
      NATS_URL === undefined || NATS_URL === ''
        ? { found: undefined, note: 'it is not set' }
        : { found: { kind: 'running', url: NATS_URL }, note: 'the one that NATS_URL names' },
  }
}

function installed({ PATH }: NodeJS.ProcessEnv): Way {
  return {
    advice: `put ${PROGRAM} on the PATH`,
    async find() {
      const path = onPath(PROGRAM, PATH)
      if (path === undefined) return { found: undefined, note: 'it is not there' }
      return { found: { kind: 'program', path }, note: await describe(path) }
    },
  }
}

function container(): Way {
  return {
    advice: `run a container engine that has or can pull the image ${IMAGE}`,
    async find() {
      const engine = await runCommand('docker', ['version', '--format', '{{.Server.Version}}'], { timeoutMs: 5_000 })
      if (!engine.isDone) return { found: undefined, note: 'no engine answers' }
      return startContainer()
    },
  }
}

/** The package is big and rarely needed: loaded only when an engine answered. */
async function startContainer(): Promise<Awaited<ReturnType<Way['find']>>> {
  const { NatsContainer } = await import('@testcontainers/nats')
  const started = await new NatsContainer(IMAGE).withJetStream().withStartupTimeout(CONTAINER_MS).start()
  const { servers = '' } = started.getConnectionOptions()
  return {
    found: { kind: 'running', url: `nats://${[servers].flat()[0]}`, stop: async () => void (await started.stop()) },
    note: `a container of ${IMAGE}`,
  }
}

function fetched(): Way {
  return {
    advice: 'use Debian or Ubuntu with apt-get, or install Go, so that it can be fetched',
    async find() {
      const folder = cacheFolder('nats')
      const path = join(folder, PROGRAM)
      const problems: string[] = []
      const isThere = await madeOnce(path, folder, async () => {
        for (const fetch of [withGo, withApt]) {
          const problem = await fetch(folder)
          if (problem === undefined) return
          problems.push(problem)
        }
      })
      if (!isThere) return { found: undefined, note: problems.join(', ') }
      return { found: { kind: 'program', path }, note: await describe(path) }
    },
  }
}

async function describe(path: string): Promise<string> {
  const { output } = await runCommand(path, ['--version'], { timeoutMs: 5_000 })
  return `${path} (${output.replace(/^nats-server:\s*/, '')})`
}

async function withGo(folder: string): Promise<string | undefined> {
  const go = onPath('go')
  if (go === undefined) return 'Go is not installed'
  process.stdout.write(`nats-server: building ${GO_MODULE} once, about a minute\n`)
  const env = { ...process.env, GOBIN: folder, GOFLAGS: '-mod=mod' }
  const { isDone, output } = await runCommand(go, ['install', GO_MODULE], { timeoutMs: BUILD_MS, env })
  return isDone ? undefined : `go install failed: ${output.slice(-200)}`
}

/** Debian's package, unpacked beside its destination and moved there whole. */
async function withApt(folder: string): Promise<string | undefined> {
  if (onPath('apt-get') === undefined || onPath('dpkg') === undefined) return 'apt-get is not here'
  const work = mkdtempSync(join(folder, 'unpacking-'))
  try {
    const download = await runCommand('apt-get', ['download', PROGRAM], { timeoutMs: QUICK_MS, cwd: work })
    const file = readdirSync(work).find((name) => name.endsWith('.deb'))
    if (!download.isDone || file === undefined) return `apt-get download failed: ${download.output.slice(-200)}`
    const unpacked = await runCommand('dpkg', ['-x', file, '.'], { timeoutMs: QUICK_MS, cwd: work })
    const moved = await runCommand('mv', ['usr/sbin/nats-server', join(folder, PROGRAM)], {
      timeoutMs: QUICK_MS,
      cwd: work,
    })
    return unpacked.isDone && moved.isDone ? undefined : `dpkg failed: ${unpacked.output}${moved.output}`
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/**
 * A server of its own for a test file, or the shared one. `config` is more lines of its configuration, `jetStream` more of
 * its JetStream block.
 */
export async function startNats({ found }: Provision, config = '', jetStream = ''): Promise<NatsServer | undefined> {
  if (found === undefined) return undefined
  if (found.kind === 'running') {
    const { hostname: host, port } = new URL(found.url)
    const stop = found.stop ?? (async () => undefined)
    const nothing = async () => undefined
    const shared = {
      url: found.url,
      host,
      port: Number(port || 4222),
      pid: 0,
      isOurs: false,
      send() {},
      kill: nothing,
      start: nothing,
    }
    return { ...shared, [Symbol.asyncDispose]: stop }
  }
  const folder = newStoreFolder()
  const launch = (port: number) => startProgram(found.path, argsOf(folder, port, config, jetStream), /Server is ready/)
  let program: Program = await launch(-1)
  const port = await portOf(folder, program.pid)
  return {
    url: `nats://127.0.0.1:${port}`,
    host: '127.0.0.1',
    port,
    get pid() {
      return program.pid
    },
    isOurs: true,
    kill: (signal) => program.kill(signal),
    send: (signal) => void process.kill(program.pid, signal),
    async start() {
      program = await launch(port)
    },
    async [Symbol.asyncDispose]() {
      await program[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function argsOf(folder: string, port: number, config: string, jetStream: string): string[] {
  const file = join(folder, 'server.conf')
  const store = `store_dir: ${JSON.stringify(join(folder, 'store'))}`
  writeFileSync(file, `jetstream {\n${store}\n${jetStream}\n}\n${config}\n`)
  return ['-c', file, '-a', '127.0.0.1', '-p', String(port), '--ports_file_dir', folder]
}

/** The server writes it a moment after it says that it is ready. */
async function portOf(folder: string, pid: number): Promise<number> {
  for (let tries = 0; tries < PORT_TRIES; tries++) {
    const file = readdirSync(folder).find((name) => name.endsWith(`_${pid}.ports`))
    const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8')
    if (text.trimEnd().endsWith('}'))
      return Number(new URL((JSON.parse(text) as { nats: string[] }).nats[0] as string).port)
    await wait(PORT_LOOK_MS)
  }
  throw new EventingError({ code: 'INTERNAL' }, `nats-server wrote no ports file into ${folder}`)
}
