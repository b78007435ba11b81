import { isFailure } from '@sluice/errors'
import { patches } from '../fields/patches.ts'
import { fields } from '../fields/tracked.ts'
import type { Registry } from '../registry.ts'
import { PRESENT_NAMESPACES, type RegistryOptions } from './config.ts'
import { openFailure } from './faults.ts'
import { type Link, openLink, StoreError } from './link.ts'
import { Objects } from './objects.ts'
import { SqliteRegistry } from './registry.ts'

/**
 * Opens the file for this process alone and reads every object into memory. Rejects with DATA_DIR_IN_USE when another
 * process has it, DATA_DIR_UNUSABLE when it can't be read or is damaged.
 */
export async function openRegistry(given: RegistryOptions): Promise<Registry> {
  const options = { fields, patches, ...given }
  const { path, telemetry } = options
  const link = openLink(path, (error) => telemetry.log.error({ error }, 'the thread of the resources ended'))
  const registry = new SqliteRegistry(options, await loaded(options, link))
  await present(registry)
  return registry
}

async function loaded(options: RegistryOptions, link: Link): Promise<Objects> {
  try {
    return await Objects.load(options, link)
  } catch (error) {
    await link.close()
    throw error instanceof StoreError ? openFailure(options.path, error.fault) : error
  }
}

/** Namespaces that are there from the start. */
async function present(registry: Registry): Promise<void> {
  const namespace = registry.table.ofKind('v1', 'Namespace')
  if (namespace === undefined) return
  for (const name of PRESENT_NAMESPACES) {
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
    try {
      await registry.create(namespace, undefined, object, { fieldManager: 'sluice' })
    } catch (error) {
      if (!isFailure(error, 'RESOURCE_REFUSED') || error.detail.reason !== 'AlreadyExists') {
        await registry[Symbol.asyncDispose]()
        throw error
      }
    }
  }
}
