import { createPrivateKey, X509Certificate } from 'node:crypto'
import { authority, type Certified, endsSoon, isFor, signedBy } from './certificates.ts'
import { textOf, unusable, write } from './secret-files.ts'

/** Paths of a key and its certificate. */
export type Pair = readonly [key: string, certificate: string]

export interface CertifiedFiles {
  readonly authority: Pair
  readonly served: Pair
}

export interface CertifiedServer extends Certified {
  /** The certificate of who signed. */
  readonly authority: string
  /** Paths of what was not there, for other names, or about to end. */
  readonly made: readonly string[]
}

/**
 * Reads the certificate for those names, or makes it, signed by an authority that is kept: who trusts that goes on where a
 * certificate is made anew. Throws DATA_DIR_UNUSABLE, with its path, for a file that is no certificate or key.
 */
export async function certified(
  files: CertifiedFiles,
  names: readonly string[],
  now: number,
): Promise<CertifiedServer> {
  const signing = await pairOf(files.authority)
  const isSigner = signing !== undefined && !endsSoon(signing.parsed, now)
  const signer = isSigner ? signing : await written(files.authority, await authority(now))
  const served = await pairOf(files.served)
  const isServed =
    served?.parsed.verify(new X509Certificate(signer.certificate).publicKey) === true &&
    isFor(served.parsed, names) &&
    !endsSoon(served.parsed, now)
  const { certificate, key } = isServed ? served : await written(files.served, await signedBy(signer.key, names, now))
  const made = [...(isSigner ? [] : files.authority), ...(isServed ? [] : files.served)]
  return { certificate, key, authority: signer.certificate, made }
}

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

/** The key first: the certificate says that the pair is whole. */
async function written([keyPath, certificatePath]: Pair, pair: Certified): Promise<Certified> {
  await write(keyPath, pair.key)
  await write(certificatePath, pair.certificate)
  return pair
}
