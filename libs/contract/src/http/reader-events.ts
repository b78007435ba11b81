import { failureOf } from '@sluice/errors'
import type { Telemetry } from '@sluice/telemetry'

/** What can happen to a reader of the contract, each logged and counted in one place. */
export interface ReaderEvents extends Disposable {
  connected(fields: { url: string; revision: number }): void
  /** Logged when the reason is another than the last time. */
  disconnected(fields: { url: string; retryInMs: number }, error: unknown): void
  received(fields: { epoch: number; revision: number; put: number; removed: number }): void
  startsFromCopy(fields: { epoch: number; revision: number }): void
  answerFailed(fields: { topic: string }, error: unknown): void
  copyFailed(fields: { revision: number; retryInMs: number }, error: unknown): void
}

export function readerEvents(telemetry: Telemetry, read: { isConnected(): boolean; revision(): number }): ReaderEvents {
  const { log } = telemetry
  let told: string | undefined
  const failures = telemetry.counter('contract_connection_failures_total', {
    description: 'Connections to the server of the contract that failed or broke, by code',
  })
  const copies = telemetry.counter('contract_copy_failures_total', {
    description: 'Times the copy of the contract could not be saved; the revision waits for it',
  })
  const connected = telemetry.gauge(
    'contract_server_connected',
    { description: '1 while the server of the contract is heard, else 0; an older contract stays in force' },
    () => [{ value: read.isConnected() ? 1 : 0 }],
  )
  const revision = telemetry.gauge(
    'contract_revision_number',
    { description: 'Revision of the contract that is saved and handed to the roles of this process' },
    () => [{ value: read.revision() }],
  )
  return {
    connected(fields) {
      told = undefined
      log.info(fields, 'contract followed')
    },
    disconnected(fields, error) {
      const { code } = failureOf(error)
      const reason = (error as { message?: string }).message
      failures.add(1, { code })
      if (told !== reason) log.warn({ ...fields, code, reason }, 'contract not followed, the last one stays in force')
      told = reason
    },
    received: (fields) => log.info(fields, 'contract received'),
    startsFromCopy: (fields) => log.info(fields, 'contract taken from its copy'),
    answerFailed: (fields, error) => log.warn({ ...fields, err: error }, 'question of the controller not answered'),
    copyFailed(fields, error) {
      copies.add(1)
      log.error({ ...fields, err: error }, 'copy of the contract could not be saved, it is not in force yet')
    },
    [Symbol.dispose]() {
      connected[Symbol.dispose]()
      revision[Symbol.dispose]()
    },
  }
}
