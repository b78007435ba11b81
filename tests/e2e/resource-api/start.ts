import { join } from 'node:path'
import { install } from '../installation.ts'

/** A resource API that clients of Kubernetes can talk to. */
export interface ServedApi extends AsyncDisposable {
  readonly url: string
  /** Where events go in. */
  readonly ingressUrl: string
  /** Path of the file that it wrote. */
  readonly kubeconfig: string
}

/** Starts what `npm start` runs, over folders of its own, with nothing in them. */
export async function startServedApi(): Promise<ServedApi> {
  const sluice = await install({ manifests: {}, readyTimeoutMs: 20_000 })
  const url = (sluice.running.urls.control ?? '').replace(/\/$/, '')
  await answering(`${url}/version`)
  return {
    ...{ url, ingressUrl: sluice.ingressUrl, kubeconfig: join(sluice.env.SLUICE_DATA_DIR ?? '', 'kubeconfig') },
    [Symbol.asyncDispose]: () => sluice[Symbol.asyncDispose](),
  }
}

/** The lines are printed a moment before the routes are open. */
async function answering(url: string): Promise<void> {
  for (let tries = 0; tries < 500 && (await fetch(url)).status === 503; tries++)
    await new Promise((resolve) => setTimeout(resolve, 10))
}
