const FORBIDDEN = 0
const PLAIN = 1
const SPECIAL = 2

// RFC 3986: unreserved, sub-delims, "/", "?", "@" are plain; "%", ":", "#", "[" and "]" need a look
const CLASS: Readonly<Uint8Array> = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code)
  if (/[A-Za-z0-9._~!$&'()*+,;=/?@-]/.test(char)) return PLAIN
  return /[%:#[\]]/.test(char) ? SPECIAL : FORBIDDEN
})

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*$/
const IP_LITERAL = /^(?:[0-9A-Fa-f:.]+|[vV][0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+)$/

/** RFC 3986 `URI-reference`, not empty. Characters outside ASCII have to come percent-encoded. */
export function isUriReference(text: string): boolean {
  let special = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const kind = code < 128 ? CLASS[code] : FORBIDDEN
    if (kind === PLAIN) continue
    if (kind === FORBIDDEN) return false
    special = true
  }
  if (text.length === 0) return false
  return special || text.startsWith('//') ? isWellBuilt(text) : true
}

/** RFC 3986 `URI`: with a scheme. A fragment is let through, stricter than which the schemas in use are not. */
export function isAbsoluteUri(text: string): boolean {
  const colon = text.indexOf(':')
  return colon > 0 && SCHEME.test(text.slice(0, colon)) && isUriReference(text)
}

function isWellBuilt(text: string): boolean {
  if (!hasWholePercents(text)) return false
  const hash = text.indexOf('#')
  if (hash !== -1 && text.indexOf('#', hash + 1) !== -1) return false
  const query = text.indexOf('?')
  const pathEnd = query !== -1 && (hash === -1 || query < hash) ? query : hash === -1 ? text.length : hash
  let hierarchy = text.slice(0, pathEnd)
  const colon = hierarchy.indexOf(':')
  const slash = hierarchy.indexOf('/')
  if (colon !== -1 && (slash === -1 || colon < slash)) {
    if (!SCHEME.test(hierarchy.slice(0, colon))) return false
    hierarchy = hierarchy.slice(colon + 1)
  }
  let path = hierarchy
  if (hierarchy.startsWith('//')) {
    const end = hierarchy.indexOf('/', 2)
    if (!isAuthority(hierarchy.slice(2, end === -1 ? undefined : end))) return false
    path = end === -1 ? '' : hierarchy.slice(end)
  }
  return !hasBracket(path) && !hasBracket(text.slice(pathEnd))
}

function isAuthority(authority: string): boolean {
  const at = authority.indexOf('@')
  if (hasBracket(authority.slice(0, at + 1))) return false
  const host = authority.slice(at + 1)
  if (host.includes('@')) return false
  const close = host.startsWith('[') ? host.indexOf(']') : 0
  if (close === -1 || (close > 0 && !IP_LITERAL.test(host.slice(1, close)))) return false
  const rest = close > 0 ? host.slice(close + 1) : host.slice(host.includes(':') ? host.indexOf(':') : host.length)
  return /^(?::[0-9]*)?$/.test(rest) && (close > 0 || !hasBracket(host))
}

function hasWholePercents(text: string): boolean {
  for (let at = text.indexOf('%'); at !== -1; at = text.indexOf('%', at + 3)) {
    if (!/^[0-9A-Fa-f]{2}$/.test(text.slice(at + 1, at + 3))) return false
  }
  return true
}

function hasBracket(text: string): boolean {
  return text.includes('[') || text.includes(']')
}
