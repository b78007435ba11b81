const UNITS: Readonly<Record<string, bigint>> = {
  '': 1n,
  k: 10n ** 3n,
  M: 10n ** 6n,
  G: 10n ** 9n,
  T: 10n ** 12n,
  P: 10n ** 15n,
  Ki: 2n ** 10n,
  Mi: 2n ** 20n,
  Gi: 2n ** 30n,
  Ti: 2n ** 40n,
  Pi: 2n ** 50n,
}

/** Bytes of a Kubernetes quantity (`64Mi`, `1.5G`, `1e9`): whole and at least 1, or undefined. */
export function parseBytes(text: string): number | undefined {
  const parts = /^(\d{1,18})(?:\.(\d{1,9}))?(?:[eE](\d{1,2})|(k|[MGTP]|[KMGTP]i))?$/.exec(text)
  if (parts === null) return undefined
  const [, whole = '', decimals = '', exponent = '0', unit = ''] = parts
  const scaled = BigInt(whole + decimals) * 10n ** BigInt(exponent) * (UNITS[unit] ?? 1n)
  const divisor = 10n ** BigInt(decimals.length)
  const bytes = scaled / divisor
  return scaled % divisor === 0n && bytes >= 1n && bytes <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(bytes) : undefined
}
