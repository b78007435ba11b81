import { createHmac, timingSafeEqual } from 'node:crypto'

/** As GitHub sends them; undefined where a request has none. */
export interface Signatures {
  readonly sha256: string | undefined
  readonly sha1: string | undefined
}

/** `absent`: none that is looked at. */
export type SignatureVerdict = 'valid' | 'absent' | 'wrong'

/**
 * Whether the bytes were signed with one of the secrets. SHA-1 is looked at only where allowed and no SHA-256 came.
 * Takes the same time whatever is wrong with a digest. Source: GitHub docs, validating webhook deliveries.
 */
export function checkSignature(
  body: Uint8Array,
  { sha256, sha1 }: Signatures,
  { secrets, allowSha1 }: { readonly secrets: readonly string[]; readonly allowSha1: boolean },
): SignatureVerdict {
  if (sha256 !== undefined) return isSigned(body, sha256, 'sha256', secrets) ? 'valid' : 'wrong'
  if (sha1 === undefined || !allowSha1) return 'absent'
  return isSigned(body, sha1, 'sha1', secrets) ? 'valid' : 'wrong'
}

function isSigned(body: Uint8Array, signature: string, hash: 'sha256' | 'sha1', secrets: readonly string[]): boolean {
  const given = Buffer.from(signature)
  let isAny = false
  for (const secret of secrets) {
    // An empty secret signs nothing: anybody knows it
    if (secret === '') continue
    const expected = Buffer.from(`${hash}=${createHmac(hash, secret).update(body).digest('hex')}`)
    if (given.length === expected.length && timingSafeEqual(given, expected)) isAny = true
  }
  return isAny
}
