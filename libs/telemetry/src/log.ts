import { EventingError } from '@sluice/errors'
import { destination, pino, stdTimeFunctions } from 'pino'
import type { Logger } from './telemetry.ts'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Takes whole lines, newline included. */
export interface LogTo {
  write(line: string): void
}

const MAX_CAUSES = 5
const STDERR = 2

/**
 * JSON lines `{ level, time, service, …fields, msg }`, written before the call returns, so that a crash loses none.
 * Errors under `error`, `err` or `cause` are written with their code, detail and causes.
 */
export function createLogger(options: { service: string; logLevel: LogLevel; logTo?: LogTo }): Logger {
  const logger = pino(
    {
      level: options.logLevel,
      base: { service: options.service },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describeError, err: describeError, cause: describeError },
    },
    options.logTo ?? destination({ fd: STDERR, sync: true }),
  )
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  }
}

/** An error as fields. A stack only for what is not ours: our codes already say where. */
export function describeError(error: unknown, depth = 0): unknown {
  if (!isErrorLike(error)) return error
  const { code } = error as { code?: unknown }
  const ours = error instanceof EventingError
  return {
    name: error.name,
    message: error.message,
    ...(ours ? { detail: error.detail } : { ...(code === undefined ? {} : { code }), stack: error.stack }),
    ...(error.cause === undefined || depth >= MAX_CAUSES ? {} : { cause: describeError(error.cause, depth + 1) }),
  }
}

/** Not `instanceof Error`: errors come from other realms too. */
function isErrorLike(value: unknown): value is Error {
  return typeof value === 'object' && value !== null && 'message' in value && 'stack' in value
}
