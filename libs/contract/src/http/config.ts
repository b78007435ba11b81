import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '@sluice/clock'
import { type ConfigOf, type Field, fileText, port, type Rules, text } from '@sluice/config'
import type { Telemetry } from '@sluice/telemetry'
import { fileSource } from '../file-source.ts'
import { removeLeftovers } from '../leftovers.ts'
import type { ContractSource } from '../rows.ts'
import type { SourceLine } from '../sources/line.ts'
import type { Answerer } from './answering.ts'
import { isLoopback } from './authentication.ts'
import { httpSource } from './http-source.ts'
import type { Role } from './protocol.ts'

const HTTP = /^https?:/i

/** The token that readers and server share, as a value or in a file. */
const tokenFields = {
  contractToken: text('SLUICE_CONTRACT_TOKEN', {
    ...{ fallback: undefined, isSecret: true },
    meaning: 'bearer token that the services and their controller share',
  }),
  contractTokenFile: fileText('SLUICE_CONTRACT_TOKEN_FILE', { fallback: undefined, meaning: 'file that holds it' }),
}

/** The variables of a service that follows a contract. */
export const contractConfig = {
  contract: contractField(),
  ...tokenFields,
  contractCa: fileText('SLUICE_CONTRACT_CA', {
    fallback: undefined,
    meaning: 'PEM file of who signed the certificate of the controller, where the system does not know them',
  }),
  dataDir: text('SLUICE_DATA_DIR', {
    fallback: '.sluice',
    meaning: 'folder for the copy of the contract, of this process alone',
  }),
  replica: text('SLUICE_REPLICA', { fallback: hostname(), meaning: 'name of this process to the controller' }),
}
export type ContractConfig = ConfigOf<typeof contractConfig>

export const contractRules: Rules<typeof contractConfig> = ({ contract }, isSet) => [
  ...oneToken(isSet),
  ...(contract === undefined || HTTP.test(contract)
    ? []
    : ['SLUICE_CONTRACT_TOKEN', 'SLUICE_CONTRACT_TOKEN_FILE', 'SLUICE_CONTRACT_CA']
        .filter(isSet)
        .map((name) => `${name}: is set, but SLUICE_CONTRACT is a file: unset one of them`)),
]

/** The variables of the controller, which serves the contract. */
export const contractServerConfig = {
  controllerPort: port('CONTROLLER_PORT', {
    fallback: 8091,
    meaning: 'where services follow the contract; 0 is any free port',
  }),
  ...tokenFields,
  controllerCert: fileText('CONTROLLER_CERT', { fallback: undefined, meaning: 'PEM file: TLS with this certificate' }),
  controllerKey: fileText('CONTROLLER_KEY', { fallback: undefined, meaning: 'PEM file: its key' }),
}
export type ContractServerConfig = ConfigOf<typeof contractServerConfig>

const SERVER_TOKEN = 'beyond loopback services have to show a token: set it, and the same at each service'

export const contractServerRules = (
  { host }: { readonly host?: string | undefined },
  isSet: (name: string) => boolean,
): readonly string[] => [
  ...oneToken(isSet),
  ...(host === undefined || isLoopback(host) || isSet('SLUICE_CONTRACT_TOKEN') || isSet('SLUICE_CONTRACT_TOKEN_FILE')
    ? []
    : [`SLUICE_CONTRACT_TOKEN: ${SERVER_TOKEN}`]),
  ...(isSet('CONTROLLER_CERT') === isSet('CONTROLLER_KEY')
    ? []
    : [`CONTROLLER_${isSet('CONTROLLER_CERT') ? 'KEY' : 'CERT'}: a certificate needs its key: set both or none`]),
]

export function tokenOf(config: ConfigOf<typeof tokenFields>): string | undefined {
  return config.contractToken ?? config.contractTokenFile
}

export interface OpenContractDeps {
  readonly config: ContractConfig
  readonly roles: readonly Role[]
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/** A contract of whichever source, and what to say of it in `/readyz`. */
export interface OpenedContract extends ContractSource, AsyncDisposable {
  ready(): string | undefined
  warning(): string | undefined
  /** How a service of sources reaches its server; a file has none. */
  readonly line?: SourceLine
  /** Answers what its server asks about this topic; a file asks nothing. */
  answer(topic: string, answerer: Answerer): void
}

/** Opens what `SLUICE_CONTRACT` names. Rejects with CONFIG_INVALID for a file that is none, or DATA_DIR_UNUSABLE. */
export async function openContract({ config, ...deps }: OpenContractDeps): Promise<OpenedContract> {
  const { contract: source, contractCa: ca, dataDir, replica } = config
  if (HTTP.test(source)) {
    const prefix = `contract.${deps.roles.join('+')}.`
    const copyPath = join(dataDir, `${prefix}${fileNameOf(replica)}.json`)
    const followed = await httpSource({ ...deps, url: source, token: tokenOf(config), ca, copyPath, replica })
    const leftovers = removeLeftovers({ ...deps, own: copyPath, prefix })
    return {
      watch: followed.watch,
      ready: followed.ready,
      warning: followed.warning,
      answer: followed.answer,
      line: followed.line,
      async [Symbol.asyncDispose]() {
        await leftovers[Symbol.asyncDispose]()
        await followed[Symbol.asyncDispose]()
      },
    }
  }
  const { watch } = await fileSource({ ...deps, path: source })
  return { watch, ready: () => undefined, warning: () => undefined, answer() {}, async [Symbol.asyncDispose]() {} }
}

function contractField(): Field<string> {
  // Never shown in a message: people put passwords into URLs
  const path = text('SLUICE_CONTRACT', {
    ...{ fallback: 'contract.json', isSecret: true },
    meaning: 'URL of the controller, such as http://controller:8091, or a file',
  })
  return {
    ...path,
    parse(value) {
      if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) return path.parse(value)
      const url = URL.parse(value)
      if (url === null || !HTTP.test(url.protocol)) return { problem: 'is neither an http or https URL nor a file' }
      if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
        return { problem: 'holds more than scheme, host, port and path; a token goes into SLUICE_CONTRACT_TOKEN' }
      return path.parse(value)
    },
  }
}

function oneToken(isSet: (name: string) => boolean): string[] {
  const isTwice = isSet('SLUICE_CONTRACT_TOKEN') && isSet('SLUICE_CONTRACT_TOKEN_FILE')
  return isTwice ? ['SLUICE_CONTRACT_TOKEN_FILE: is set beside SLUICE_CONTRACT_TOKEN: unset one of them'] : []
}

/** A replica's name may hold anything; a file's may not. */
function fileNameOf(replica: string): string {
  return replica.replaceAll(/[^\w.-]/g, '_').slice(0, 100)
}
