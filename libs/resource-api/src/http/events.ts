import type { Counter, Logger, Telemetry } from '@sluice/telemetry'

export interface ResourceApiTelemetry {
  readonly log: Logger
  readonly requests: Counter
}

export function resourceApiTelemetry(telemetry: Telemetry): ResourceApiTelemetry {
  const requests = telemetry.counter('resource_api_requests_total', {
    description: 'Requests to the resource API, by verb and status',
  })
  return { log: telemetry.log, requests }
}
