import { kubeconfigLine, writeKubeconfig } from './kubeconfig.ts'
import { type ResourceApiDeps, serveResourceApi } from './serve.ts'

export interface PublishedDeps extends Omit<ResourceApiDeps, 'control'> {
  /** Absent: there is no control port, and nobody is served. */
  readonly control: ResourceApiDeps['control'] | undefined
  /** Of the control port, as this machine reaches it. */
  readonly url: string | undefined
  /** What lets in who comes from beyond loopback. */
  readonly access?: { readonly authority: string; readonly token: string } | undefined
  /** Where the kubeconfig is written. */
  readonly folder: string
}

export interface PublishedApi extends Disposable {
  /** The line by which kubectl of a shell finds the API. */
  readonly kubectl?: string
  /** The file that it names. */
  readonly kubeconfig?: string
}

/** Serves the registry on the control port, if there is one, and writes the kubeconfig for it. Rejects as the disk does. */
export async function publishResourceApi(deps: PublishedDeps): Promise<PublishedApi> {
  const { control, url, access, folder, ...rest } = deps
  if (control === undefined || url === undefined) return { [Symbol.dispose]: () => {} }
  using starting = new DisposableStack()
  const serving = starting.use(serveResourceApi({ ...rest, control }))
  const beyond = access && { caCertificate: access.authority, token: access.token }
  // the certificate is for this machine's loopback too, where a container's port mostly is mapped
  const server = beyond === undefined ? url : url.replace('http:', 'https:')
  const kubeconfig = await writeKubeconfig({ folder, server, ...beyond })
  starting.move()
  return { kubectl: kubeconfigLine(kubeconfig), kubeconfig, [Symbol.dispose]: () => serving[Symbol.dispose]() }
}
