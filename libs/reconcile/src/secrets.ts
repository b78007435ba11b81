import type { SecretReference } from '@sluice/contract'
import type { ApiObject } from '@sluice/resources/api'
import type { Informer } from './api/resource-client.ts'

/** The Secrets of an API for whoever hands their values to services of sources. In memory alone. */
export interface Secrets {
  /** Undefined where there is no such Secret, or it lacks the key. Waits until the Secrets are known. */
  read(reference: SecretReference): Promise<string | undefined>
  /** Another one after each change of the Secret; says nothing of its values. Undefined where there is none. */
  version(secret: Pick<SecretReference, 'namespace' | 'name'>): string | undefined
  /** Calls back when a version may be another. */
  changed(listener: () => void): Disposable
  /** From where they are known. Not asked before the first Secret is: an installation without any needs no right to them. */
  follow(informer: () => Informer): Disposable
}

export function createSecrets(): Secrets {
  const listeners = new Set<() => void>()
  const known = Promise.withResolvers<() => Informer>()
  let source: (() => Informer) | undefined
  let informer: Informer | undefined
  let watching: Disposable | undefined
  let isWanted = false

  function start(): Informer | undefined {
    isWanted = true
    if (informer !== undefined || source === undefined) return informer
    informer = source()
    watching = informer.changed(() => {
      for (const listener of [...listeners]) listener()
    })
    return informer
  }

  const secretOf = ({ namespace, name }: Pick<SecretReference, 'namespace' | 'name'>): ApiObject | undefined =>
    start()?.get({ namespace, name })

  return {
    async read(reference) {
      isWanted = true
      await known.promise
      await start()?.synced
      const { data = {} } = (secretOf(reference) ?? {}) as { readonly data?: Readonly<Record<string, string>> }
      const value = Object.hasOwn(data, reference.key) ? data[reference.key] : undefined
      return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8')
    },
    version(secret) {
      const { uid, resourceVersion } = secretOf(secret)?.metadata ?? {}
      return uid === undefined ? undefined : `${uid}/${resourceVersion}`
    },
    changed(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
    follow(from) {
      source = from
      known.resolve(from)
      if (isWanted) start()
      return { [Symbol.dispose]: () => watching?.[Symbol.dispose]() }
    },
  }
}
