import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProcess } from '@sluice/testkit'

const MAIN = new URL('./service.ts', import.meta.url).pathname

/** A resource API that clients of Kubernetes can talk to. */
export interface ServedApi extends AsyncDisposable {
  readonly url: string
  /** Path of the file that it wrote. */
  readonly kubeconfig: string
  readonly folder: string
}

/** Starts the process that serves it, over a folder of its own. */
export async function startServedApi(): Promise<ServedApi> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-resources-'))
  const running = await startProcess(MAIN, {
    env: { DATA_DIR: folder, CONTROL_PORT: '0', METRICS_PORT: 'off' },
    ready: { kubeconfig: /^export KUBECONFIG=(\S+)/m, control: /^control (\S+)/m },
  })
  const url = running.urls.control ?? ''
  await answering(`${url}/version`)
  return {
    ...{ url, kubeconfig: running.urls.kubeconfig ?? '', folder },
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The lines are printed a moment before the routes are open. */
async function answering(url: string): Promise<void> {
  for (let tries = 0; tries < 200 && (await fetch(url)).status === 503; tries++)
    await new Promise((resolve) => setTimeout(resolve, 10))
}
