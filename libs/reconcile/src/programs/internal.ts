/** Whether the URL is below one of the ingress' own addresses; names of the loopback interface are one. */
export function isInternal(url: URL, ingresses: readonly string[]): boolean {
  return ingresses.some((base) => {
    const ingress = new URL(base)
    const isSameHost = url.hostname === ingress.hostname || (isLoopback(url.hostname) && isLoopback(ingress.hostname))
    return isSameHost && url.protocol === ingress.protocol && url.port === ingress.port
  })
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname)
}
