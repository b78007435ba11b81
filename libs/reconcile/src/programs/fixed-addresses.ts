import type { IngressAddresses } from './deps.ts'

/** Of an ingress that stays where it is; `external` absent: others reach it as its own services do. */
export function fixedAddresses(internal: string, external = internal): IngressAddresses {
  return {
    internal: () => internal,
    external: () => external,
    changed: () => ({ [Symbol.dispose]: () => {} }),
  }
}
