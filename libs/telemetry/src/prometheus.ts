import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ValueType } from '@opentelemetry/api'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  AggregationTemporality,
  DataPointType,
  type HistogramMetricData,
  MeterProvider,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics'
import { httpUrl } from '@sluice/config'
import { listenFailure } from '@sluice/errors'
import type { HistogramCell, Instrument, Instruments } from './instruments.ts'
import type { MetricsOptions, MetricsServer } from './metrics.ts'

const MAX_SCRAPERS = 32
const PATH = '/metrics'
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Only `startMetrics` imports this file, and only on demand: it loads the metrics SDK. */
export async function servePrometheus({ host, port, telemetry, service }: MetricsOptions): Promise<MetricsServer> {
  const resource = resourceFromAttributes({ 'service.name': service })
  const exporter = new PrometheusExporter({
    preventServerStart: true,
    metricProducers: [histogramProducer(telemetry.instruments, resource)],
  })
  const provider = new MeterProvider({ resource, readers: [exporter] })
  telemetry.instruments.attach(provider.getMeter('sluice'), { histograms: false })
  const serializer = new PrometheusSerializer('', false, undefined, false, true)

  // The exporter's own server takes port 0 for its default and has no limits
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5000 }, (request, response) => {
    answer(request, response, async () => serializer.serialize((await exporter.collect()).resourceMetrics)).catch(
      (error: unknown) => {
        telemetry.log.error({ error }, 'metrics not collected')
        response.writeHead(500).end()
      },
    )
  })
  server.maxConnections = MAX_SCRAPERS
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenFailure(error, host, port)))
    server.listen({ host, port }, resolve)
  })
  const address = server.address() as AddressInfo
  return {
    url: httpUrl(host, address.port) + PATH,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await provider.shutdown()
    },
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, text: () => Promise<string>): Promise<void> {
  if (request.url?.split('?', 1)[0] !== PATH) {
    response.writeHead(404).end()
  } else if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end()
  } else {
    response.writeHead(200, { 'content-type': CONTENT_TYPE }).end(await text())
  }
}

/** Our own tallies as the exporter's data: recording through the SDK costs twenty times a tally. */
function histogramProducer(
  instruments: Instruments,
  resource: ReturnType<typeof resourceFromAttributes>,
): MetricProducer {
  const startTime = hrTime()
  return {
    collect: async () => {
      const endTime = hrTime()
      const metrics = [...instruments.all()]
        .filter((instrument) => instrument.kind === 'histogram')
        .map((instrument) => histogramData(instrument, startTime, endTime))
      return { resourceMetrics: { resource, scopeMetrics: [{ scope: { name: 'sluice' }, metrics }] }, errors: [] }
    },
  }
}

function histogramData(
  { name, options, buckets, cells }: Extract<Instrument, { kind: 'histogram' }>,
  startTime: [number, number],
  endTime: [number, number],
): HistogramMetricData {
  const value = ({ counts, sum, count }: HistogramCell) => ({
    buckets: { boundaries: [...buckets], counts: [...counts] },
    sum,
    count,
  })
  return {
    descriptor: { name, description: options.description, unit: options.unit ?? '', valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints: [...cells.all()].map((cell) => ({ startTime, endTime, attributes: cell.labels, value: value(cell) })),
  }
}

function hrTime(): [number, number] {
  const now = Date.now()
  return [Math.trunc(now / 1000), (now % 1000) * 1e6]
}
