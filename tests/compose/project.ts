import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parse } from 'yaml'

const run = promisify(execFile)
const COMMAND_MS = 10 * 60_000
const MOST_OUTPUT = 64 * 2 ** 20

/** `docker-compose.yml` under a name and on ports of its own; gone with its volumes, and with the images it made, in the end. */
export interface Project extends AsyncDisposable {
  /** What Compose prints; rejects if it fails. */
  compose(...args: readonly string[]): Promise<string>
  /** Of this machine. */
  address(service: string, port: number): Promise<string>
}

/** How Compose is called here: undefined where no engine answers. */
export async function findCompose(): Promise<readonly string[] | undefined> {
  const works = (program: string, ...args: string[]) =>
    run(program, args).then(
      () => true,
      () => false,
    )
  if (!(await works('docker', 'version'))) return undefined
  if (await works('docker', 'compose', 'version')) return ['docker', 'compose']
  return (await works('docker-compose', 'version')) ? ['docker-compose'] : undefined
}

/** `manifests`, a folder from the root, are mounted into the controller. */
export function openProject([program = '', ...first]: readonly string[], root: string, manifests: string): Project {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-compose-up-'))
  const file = join(folder, 'docker-compose.json')
  writeFileSync(file, JSON.stringify(onFreePorts(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), manifests)))
  const named = [...first, '-p', `sluice-test-${process.pid}`, '-f', file, '--project-directory', root]
  const compose = async (...args: readonly string[]) =>
    (await run(program, [...named, ...args], { timeout: COMMAND_MS, maxBuffer: MOST_OUTPUT })).stdout
  return {
    compose,
    address: async (service, port) => (await compose('port', service, String(port))).trim(),
    async [Symbol.asyncDispose]() {
      await compose('down', '--volumes', '--rmi', 'local')
      rmSync(folder, { recursive: true })
    },
  }
}

interface Spec {
  ports?: string[]
  volumes?: string[]
}

function onFreePorts(text: string, manifests: string): unknown {
  const { services, networks, volumes } = parse(text, { merge: true })
  for (const spec of Object.values<Spec>(services)) {
    if (spec.ports) spec.ports = spec.ports.map((port) => `127.0.0.1::${port.split(':').at(-1)}`)
    if (spec.volumes) spec.volumes = spec.volumes.map((volume) => volume.replace(/^.*(?=:\/manifests:)/, manifests))
  }
  return { services, networks, volumes }
}
