import type { SecretReference } from '../source-row.ts'

/** Where the values of Secrets are; in memory, never kept. */
export interface SecretReader {
  /** Undefined where there is no such Secret, or it lacks the key. */
  read(reference: SecretReference): Promise<string | undefined>
  /** Another one after each change of the Secret; says nothing of its values. Undefined where there is none. */
  version(secret: Pick<SecretReference, 'namespace' | 'name'>): string | undefined
  /** Calls back when a version may be another. */
  changed(listener: () => void): Disposable
}

export const NO_SECRETS: SecretReader = {
  read: async () => undefined,
  version: () => undefined,
  changed: () => ({ [Symbol.dispose]() {} }),
}
