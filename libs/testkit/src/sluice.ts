import type { Sluice, SluiceOptions } from './sluice/options.ts'

/**
 * A whole Sluice in this process, in memory, whose time stands still until it is told. Loaded when it is asked for, so
 * that tests which need a clock alone pay for no broker. Rejects with MANIFESTS_INVALID, every problem at once.
 */
export async function createSluice(options: SluiceOptions): Promise<Sluice> {
  const { createSluice } = await import('./sluice/create-sluice.ts')
  return createSluice(options)
}
