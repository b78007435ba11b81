import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { EventingError } from '@sluice/errors'
import { certified } from './certified-files.ts'
import { randomToken, textOf, unusable, write } from './secret-files.ts'

export interface SharedSecrets {
  /** For controller and services: `contract-token`, and `controller-ca.crt`, by which services know the controller. */
  readonly sharedDir: string
  /** For the controller alone: `controller.crt`, `controller.key`, and the authority's `ca.key`. */
  readonly controllerDir: string
  /** By which services reach the controller. */
  readonly names: readonly string[]
}

/**
 * Makes what is missing, for another name, or about to end; keeps the rest, so that it may run before every start. A certificate
 * made anew is of the same authority: who trusts that goes on. Resolves with the files made. Rejects with DATA_DIR_UNUSABLE.
 */
export async function makeSharedSecrets(wanted: SharedSecrets, now: number): Promise<readonly string[]> {
  const { sharedDir, controllerDir } = wanted
  return [
    ...(await filled(sharedDir, () => token(sharedDir))),
    ...(await filled(controllerDir, () => tls(wanted, now))),
  ]
}

async function filled(folder: string, fill: () => Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    await mkdir(folder, { recursive: true })
    return await fill()
  } catch (error) {
    if (error instanceof EventingError) throw error
    throw unusable(folder, error instanceof Error ? error.message : String(error), error)
  }
}

async function token(sharedDir: string): Promise<readonly string[]> {
  const path = join(sharedDir, 'contract-token')
  if ((await textOf(path)) !== undefined) return []
  await write(path, randomToken())
  return [path]
}

async function tls({ sharedDir, controllerDir, names }: SharedSecrets, now: number): Promise<readonly string[]> {
  const authority = [join(controllerDir, 'ca.key'), join(sharedDir, 'controller-ca.crt')] as const
  const served = [join(controllerDir, 'controller.key'), join(controllerDir, 'controller.crt')] as const
  return (await certified({ authority, served }, names, now)).made
}
