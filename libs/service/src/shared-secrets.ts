import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { EventingError } from '@sluice/errors'
import { authority, type Certified, endsSoon, isFor, signedBy } from './certificates.ts'
import { randomToken, textOf, unusable, write } from './secret-files.ts'

export interface SharedSecrets {
  /** For controller and services: `contract-token`, and `controller-ca.crt`, by which services know the controller. */
  readonly sharedDir: string
  /** For the controller alone: `controller.crt`, `controller.key`, and the authority's `ca.key`. */
  readonly controllerDir: string
  /** By which services reach the controller. */
  readonly names: readonly string[]
}

/**
 * Makes what is missing, for another name, or about to end; keeps the rest, so that it may run before every start. A certificate
 * made anew is of the same authority: who trusts that goes on. Resolves with the files made. Rejects with DATA_DIR_UNUSABLE.
 */
export async function makeSharedSecrets(wanted: SharedSecrets, now: number): Promise<readonly string[]> {
  const { sharedDir, controllerDir } = wanted
  return [
    ...(await filled(sharedDir, () => token(sharedDir))),
    ...(await filled(controllerDir, () => tls(wanted, now))),
  ]
}

async function filled(folder: string, fill: () => Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    await mkdir(folder, { recursive: true })
    return await fill()
  } catch (error) {
    if (error instanceof EventingError) throw error
    throw unusable(folder, error instanceof Error ? error.message : String(error), error)
  }
}

async function token(sharedDir: string): Promise<readonly string[]> {
  const path = join(sharedDir, 'contract-token')
  if ((await textOf(path)) !== undefined) return []
  await write(path, randomToken())
  return [path]
}

/** The key of a pair first: a certificate without its key would be taken for a pair by those who only read it. */
async function tls({ sharedDir, controllerDir, names }: SharedSecrets, now: number): Promise<readonly string[]> {
  const paths = { authority: [join(controllerDir, 'ca.key'), join(sharedDir, 'controller-ca.crt')] as const }
  const controller = ['key', 'crt'].map((kind) => join(controllerDir, `controller.${kind}`)) as [string, string]
  const kept = await pairOf(paths.authority)
  const signer = kept === undefined || endsSoon(kept.parsed, now) ? undefined : kept
  const ca = signer ?? (await written(paths.authority, await authority(now)))
  const served = await pairOf(controller)
  const isUsable =
    served?.parsed.verify(new X509Certificate(ca.certificate).publicKey) &&
    isFor(served.parsed, names) &&
    !endsSoon(served.parsed, now)
  if (!isUsable) await written(controller, await signedBy(ca.key, names, now))
  return [...(signer === undefined ? paths.authority : []), ...(isUsable ? [] : controller)]
}

type Pair = readonly [key: string, certificate: string]

/** Undefined where one is missing, or of another. */
async function pairOf([keyPath, certificatePath]: Pair): Promise<
  (Certified & { parsed: X509Certificate }) | undefined
> {
  const [key, certificate] = await Promise.all([keyPath, certificatePath].map(textOf))
  if (key === undefined || certificate === undefined) return undefined
  const parsed = read(certificatePath, 'certificate', () => new X509Certificate(certificate))
  const isPair = parsed.checkPrivateKey(read(keyPath, 'key', () => createPrivateKey(key)))
  return isPair ? { key, certificate, parsed } : undefined
}

function read<T>(path: string, what: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw unusable(path, `is no ${what} in PEM: remove it, and it is made anew`, error)
  }
}

async function written([keyPath, certificatePath]: Pair, pair: Certified): Promise<Certified> {
  await write(keyPath, pair.key)
  await write(certificatePath, pair.certificate)
  return pair
}
