import { mkdir, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'

export interface KubeconfigOptions {
  /** Where it is written; made if it is not there. */
  readonly folder: string
  /** As clients reach the control port: `http://127.0.0.1:8090`, `https://sluice.example:8090`. */
  readonly server: string
  /** Of TLS, where the certificate is not one that everybody trusts; PEM. */
  readonly caCertificate?: string
  /** Of whoever comes from beyond loopback. */
  readonly token?: string
}

const NAME = 'sluice'
const FILE = 'kubeconfig'

/** Writes what kubectl needs, readable by its owner alone, whole or not at all. Resolves to its path; rejects as the disk does. */
export async function writeKubeconfig({ folder, server, caCertificate, token }: KubeconfigOptions): Promise<string> {
  const text = stringify({
    ...{ apiVersion: 'v1', kind: 'Config', preferences: {}, 'current-context': NAME },
    clusters: [
      {
        name: NAME,
        cluster: {
          server,
          ...(caCertificate !== undefined && {
            'certificate-authority-data': Buffer.from(caCertificate).toString('base64'),
          }),
        },
      },
    ],
    users: [{ name: NAME, user: token === undefined ? {} : { token } }],
    contexts: [{ name: NAME, context: { cluster: NAME, user: NAME, namespace: 'default' } }],
  })
  await mkdir(folder, { recursive: true })
  const path = join(folder, FILE)
  const unfinished = `${path}.${process.pid}`
  const file = await open(unfinished, 'w', 0o600)
  try {
    await file.chmod(0o600)
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(unfinished, path)
  return path
}

/** The line that makes kubectl of a shell use it. */
export function kubeconfigLine(path: string): string {
  return `export KUBECONFIG=${/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`}`
}
