import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'

const run = promisify(execFile)
const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

/** Runs a program in a fresh process that ends by printing the OpenTelemetry packages it loaded. */
async function loadedBy(program: string, env: Record<string, string>): Promise<{ packages: string[]; stdout: string }> {
  const watch = `
    import { registerHooks } from 'node:module'
    const packages = new Set()
    registerHooks({ load(url, context, next) {
      const name = /node_modules\\/(@opentelemetry\\/[^/]+)\\/(?!.*node_modules)/.exec(url)?.[1]
      if (name) packages.add(name)
      return next(url, context)
    } })
    process.on('exit', () => console.log('LOADED ' + JSON.stringify([...packages].sort())))`
  const args = ['--import', `data:text/javascript,${encodeURIComponent(watch)}`, '--input-type=module', '-e', program]
  const { stdout } = await run(process.execPath, args, { cwd: import.meta.dirname, env })
  return { packages: JSON.parse(/^LOADED (.*)$/m.exec(stdout)?.[1] ?? 'null'), stdout }
}

const start = (body: string) => `
  import { createTelemetry, startMetrics } from './index.ts'
  import { preload } from './preload.ts'
  await using telemetry = createTelemetry({ service: 's', logLevel: 'info', sdk: await preload('s') })
  ${body}`
const startAndSay = start(`console.log('SPANS ' + (telemetry.startSpan !== undefined))`)

describe('preload', () => {
  test.each<Record<string, string>>([
    {},
    { OTEL_SERVICE_NAME: 'mine' },
    { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'prometheus' },
    { OTEL_TRACES_EXPORTER: 'console', OTEL_SDK_DISABLED: 'true' },
  ])('with %j nothing of OpenTelemetry is loaded and there are no spans', async (env) => {
    const { packages, stdout } = await loadedBy(startAndSay, env)
    expect(packages).toEqual([])
    expect(stdout).toMatch(/^SPANS false$/m)
  })

  test('metrics load the metrics SDK and not the one for traces', async () => {
    const { packages } = await loadedBy(
      start(`await using _ = await startMetrics({ host: '127.0.0.1', port: 0, service: 's', telemetry })`),
      {},
    )
    expect(packages).toContain('@opentelemetry/sdk-metrics')
    expect(packages).not.toContain('@opentelemetry/sdk-node')
  })

  test.each<Record<string, string>>([
    { OTEL_TRACES_EXPORTER: 'console' },
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:1/v1/traces' },
  ])('with %j the SDK is loaded and spans exist', async (env) => {
    const { packages, stdout } = await loadedBy(startAndSay, env)
    expect(packages).toContain('@opentelemetry/sdk-node')
    expect(stdout).toMatch(/^SPANS true$/m)
  })

  test('a span continues the trace of its traceparent, names itself to the next hop and is flushed on dispose', async () => {
    const program = start(`
      const span = telemetry.startSpan('broker:default.default', 'server', '${PARENT}', { 'messaging.system': 'knative' })
      console.log('NEXT ' + span.traceparent)
      span.setStatus(503)
      span.end()`)
    const { stdout } = await loadedBy(program, { OTEL_TRACES_EXPORTER: 'console' })
    const [, traceId, spanId] = /^NEXT 00-([0-9a-f]{32})-([0-9a-f]{16})-01$/m.exec(stdout) ?? []
    expect(traceId).toBe('0af7651916cd43dd8448eb211c80319c')
    expect(spanId).not.toBe('b7ad6b7169203331')
    expect(stdout).toMatch(new RegExp(`id: '${spanId}'`))
    expect(stdout).toMatch(/'http.response.status_code': 503/)
  })

  test('a traceparent that is not one starts a new trace', async () => {
    const program = start(`console.log('NEXT ' + telemetry.startSpan('x', 'server', 'nonsense', {}).traceparent)`)
    const { stdout } = await loadedBy(program, { OTEL_TRACES_EXPORTER: 'console' })
    expect(stdout).toMatch(/^NEXT 00-[0-9a-f]{32}-[0-9a-f]{16}-01$/m)
  })

  test('propagators without tracecontext are refused', async () => {
    await expect(
      loadedBy(startAndSay, { OTEL_TRACES_EXPORTER: 'console', OTEL_PROPAGATORS: 'b3' }),
    ).rejects.toMatchObject({ stderr: expect.stringMatching(/OTEL_PROPAGATORS: must include tracecontext/) })
  })
})
