import { createHash, randomInt } from 'node:crypto'

/** No vowels and nothing that looks alike. Source: Kubernetes, apimachinery pkg/util/rand. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'
const SUFFIX = 5
const MAX_BASE = 63 - SUFFIX

/** `broker-` becomes `broker-x7k2p`. Source: Kubernetes, apiserver pkg/storage/names. */
export function generatedName(base: string): string {
  const suffix = Array.from({ length: SUFFIX }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
  return base.slice(0, MAX_BASE) + suffix
}

/** A uid that is the same wherever the same name is. */
export function uidOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** RFC 3339 to the second, as Kubernetes writes times. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}
