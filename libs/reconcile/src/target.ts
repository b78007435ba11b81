import type { Target } from '@sluice/contract'
import type { Destination, Resource } from '@sluice/resources'

export interface AddressBook {
  /** Answers the target, or why there is none. `namespace` is the parent's, for a ref without one. */
  resolve(destination: Destination, namespace: string): Target | { problem: string }
}

/**
 * Knows every name a Destination can refer to. A Service of the manifests comes before a built-in of the same name.
 * `ingressBase` is this installation's ingress: addresses below it are internal.
 */
export function addressBook(input: {
  readonly resources: readonly Resource[]
  readonly services: Readonly<Record<string, string>>
  readonly ingressBase: string
}): AddressBook {
  const urls = new Map(Object.entries(input.services).map(([name, url]) => [`Service ${name}`, url]))
  for (const resource of input.resources) {
    const key = `${resource.kind} ${resource.namespace}/${resource.name}`
    if (resource.kind === 'Service') urls.set(key, resource.url)
    else if (resource.kind === 'Broker') urls.set(key, brokerUrl(input.ingressBase, resource))
  }
  const ingress = new URL(input.ingressBase)

  return {
    resolve({ ref, uri }, namespace) {
      if (ref === undefined) return target(new URL(uri ?? ''), ingress)
      const name = `${ref.namespace ?? namespace}/${ref.name}`
      const url = urls.get(`${ref.kind} ${name}`)
      if (url === undefined) return { problem: `${ref.kind} ${name} does not exist` }
      const joined = URL.parse(uri ?? '', url)
      return joined === null ? { problem: `${uri} cannot be joined to ${url}` } : target(joined, ingress)
    },
  }
}

export function brokerUrl(ingressBase: string, { namespace, name }: { namespace: string; name: string }): string {
  return new URL(`/${namespace}/${name}`, ingressBase).href
}

function target(url: URL, ingress: URL): Target {
  const isSameHost = url.hostname === ingress.hostname || (isLoopback(url.hostname) && isLoopback(ingress.hostname))
  return { url: url.href, internal: isSameHost && url.protocol === ingress.protocol && url.port === ingress.port }
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname)
}
