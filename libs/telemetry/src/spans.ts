import { propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Telemetry } from './telemetry.ts'

/** Spans through the OpenTelemetry API; parent and child are linked by W3C `traceparent` texts only. */
export const startSpan: NonNullable<Telemetry['startSpan']> = (name, kind, traceparent, attributes) => {
  const isServer = kind === 'server'
  const parent = traceparent === undefined ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, { traceparent })
  const spanKind = isServer ? SpanKind.SERVER : SpanKind.CLIENT
  const span = trace.getTracer('sluice').startSpan(name, { kind: spanKind, attributes: { ...attributes } }, parent)
  const carrier: { traceparent?: string } = {}
  propagation.inject(trace.setSpan(ROOT_CONTEXT, span), carrier)
  return {
    traceparent: carrier.traceparent ?? '',
    setStatus(status) {
      span.setAttribute('http.response.status_code', status)
      // Semantic conventions for HTTP: a 4xx is the caller's error, so only the caller's span fails
      if (status >= (isServer ? 500 : 400)) span.setStatus({ code: SpanStatusCode.ERROR })
    },
    end(error) {
      if (error !== undefined) {
        const message = String((error as { message?: unknown } | null)?.message ?? error)
        span.setStatus({ code: SpanStatusCode.ERROR, message })
      }
      span.end()
    },
  }
}
