import type { Target } from '@sluice/contract'
import type { Destination, Resource } from '@sluice/resources'

export interface AddressBook {
  /** Answers the target, or why there is none. `namespace` is the parent's, for a ref without one. */
  resolve(destination: Destination, namespace: string): Target | { problem: string }
}

/**
 * Knows every name a Destination can refer to. A Service of the manifests comes before a built-in of the same name.
 * `ingressBase` is this installation's ingress as it reaches itself, `ingressUrl` as others reach it, if that differs:
 * addresses below either are internal.
 */
export function addressBook(input: {
  readonly resources: readonly Resource[]
  readonly services: Readonly<Record<string, string>>
  readonly ingressBase: string
  readonly ingressUrl?: string | undefined
}): AddressBook {
  const urls = new Map(Object.entries(input.services).map(([name, url]) => [`Service ${name}`, url]))
  for (const resource of input.resources) {
    const key = `${resource.kind} ${resource.namespace}/${resource.name}`
    if (resource.kind === 'Service') urls.set(key, resource.url)
    else if (resource.kind === 'Broker') urls.set(key, brokerUrl(input.ingressBase, resource))
  }
  const ingresses = [input.ingressBase, ...(input.ingressUrl === undefined ? [] : [input.ingressUrl])].map(
    (base) => new URL(base),
  )

  return {
    resolve({ ref, uri }, namespace) {
      if (ref === undefined) return target(new URL(uri ?? ''), ingresses)
      const name = `${ref.namespace ?? namespace}/${ref.name}`
      const url = urls.get(`${ref.kind} ${name}`)
      if (url === undefined) return { problem: `${ref.kind} ${name} does not exist` }
      const joined = URL.parse(uri ?? '', url)
      return joined === null ? { problem: `${uri} cannot be joined to ${url}` } : target(joined, ingresses)
    },
  }
}

export function brokerUrl(ingressBase: string, { namespace, name }: { namespace: string; name: string }): string {
  return new URL(`/${namespace}/${name}`, ingressBase).href
}

function target(url: URL, ingresses: readonly URL[]): Target {
  return { url: url.href, internal: ingresses.some((ingress) => isBelow(url, ingress)) }
}

function isBelow(url: URL, ingress: URL): boolean {
  const isSameHost = url.hostname === ingress.hostname || (isLoopback(url.hostname) && isLoopback(ingress.hostname))
  return isSameHost && url.protocol === ingress.protocol && url.port === ingress.port
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname)
}
