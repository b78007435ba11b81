/** Addresses that mean all of this machine's: one can listen on them, and call none of them. */
const ALL_ADDRESSES: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['[::]', '[::1]'],
])

/** Where a listener is reached from this machine: a `host` that means every address is given as loopback. No slash at the end. */
export function httpUrl(host: string, port: number): string {
  const name = host.includes(':') ? `[${host}]` : host
  const hostname = URL.parse(`http://${name}`)?.hostname ?? name
  return `http://${ALL_ADDRESSES.get(hostname) ?? name}:${port}`
}
