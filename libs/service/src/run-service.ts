import { flushCompileCache } from 'node:module'
import { type Clock, systemClock } from '@sluice/clock'
import { type ConfigOf, type Env, type Rules, readConfig, type Shape } from '@sluice/config'
import { createTelemetry, type ServiceTelemetry, startMetrics } from '@sluice/telemetry'
import { preload } from '@sluice/telemetry/preload'
import { authorizedByGuard } from './access.ts'
import { help, refuseArguments, wantsHelp } from './command-line.ts'
import type { Running, ServiceContext } from './context.ts'
import type { ControlAccess } from './control-access.ts'
import { type ControlServer, startControlServer } from './control-server.ts'
import { isLoopback } from './guard.ts'
import { type PlatformConfig, platformConfig } from './platform-config.ts'
import { showProcess } from './process-metrics.ts'
import { createReadiness, type Readiness } from './readiness.ts'
import { stopOnSignals } from './shutdown.ts'
import { startupFailure } from './startup-failure.ts'

const LOOP_EMPTIES_WITHIN_MS = 2000

export interface Service<S extends Shape> {
  /** In logs, metrics and messages: `ingress`. */
  readonly name: string
  /** The app's own variables. A key of `platformConfig` replaces that field. */
  readonly config: S
  /** What must hold between the app's variables; its problems are told with all others. */
  readonly rules?: Rules<typeof platformConfig & S>
  /** Throws for a config that can never work, before anything listens. */
  readonly check?: (config: PlatformConfig & ConfigOf<S>) => void
  /** What lets operators in from beyond loopback; asked when HOST is there. Absent: nothing does. */
  readonly access?: (config: PlatformConfig & ConfigOf<S>) => Promise<ControlAccess>
  readonly start: (config: PlatformConfig & ConfigOf<S>, context: ServiceContext) => Promise<Running> | Running
}

/**
 * Runs a service for the life of the process: config, telemetry, metrics, probes, `start`, and on SIGTERM or SIGINT
 * the way back. Resolves once it runs or has failed to start; never rejects. Exit codes: 0 stopped in order, 78 to be
 * fixed by whoever configured it, 130 and 143 second signal, 1 anything else. `--help` lists the variables instead.
 */
export async function runService<S extends Shape>(service: Service<S>, env: Env = process.env): Promise<void> {
  const stack = new AsyncDisposableStack()
  const shape = { ...platformConfig, ...service.config }
  const args = process.argv.slice(2)
  if (wantsHelp(args)) return void process.stdout.write(help(service.name, shape))
  try {
    refuseArguments(args)
    const config = readConfig(shape, env, service.rules as Rules<Shape> | undefined) as PlatformConfig & ConfigOf<S>
    service.check?.(config)
    const sdk = await preload(`sluice-${service.name}`, env)
    const telemetry = stack.use(createTelemetry({ service: service.name, logLevel: config.logLevel, sdk }))
    exitOnUncaught(telemetry)
    showProcess(telemetry)
    await startInOrder({ service, config, env, telemetry, stack, clock: systemClock })
  } catch (error) {
    const { exitCode, text } = startupFailure(service.name, error)
    process.stderr.write(text)
    process.exitCode = exitCode
    await stack.disposeAsync().catch(() => undefined)
    setTimeout(() => process.exit(), LOOP_EMPTIES_WITHIN_MS).unref()
  }
}

interface StartDeps<S extends Shape> {
  readonly service: Service<S>
  readonly config: PlatformConfig & ConfigOf<S>
  readonly env: Env
  readonly telemetry: ServiceTelemetry
  readonly stack: AsyncDisposableStack
  readonly clock: Clock
}

async function startInOrder<S extends Shape>(deps: StartDeps<S>): Promise<void> {
  const { service, config, env, telemetry, stack, clock } = deps
  const readiness = createReadiness(clock)
  using _starting = readiness.ready('started', () => 'the service is starting')
  const { control, urls, access } = await listenForOperators(deps, readiness)

  const draining = new AbortController()
  const aborting = new AbortController()
  const { promise: started, resolve, reject } = Promise.withResolvers<Running>()
  stopOnSignals({
    clock,
    log: telemetry.log,
    drainMs: config.drainMs,
    stopHandingOut() {
      readiness.ready('draining', () => 'the service is stopping')
      draining.abort()
    },
    // A start under way is waited for: what it opens has to be closed
    drain: async () => (await started).drain?.(),
    abort: () => aborting.abort(),
    dispose: async () => {
      await started.catch(() => undefined)
      await stack.disposeAsync()
    },
  })
  const { ready, warn, durable } = readiness
  const signals = { draining: draining.signal, signal: aborting.signal }
  const operators = { control: control?.routes, authorize: authorizedByGuard, urls, ...(access && { access }) }
  const context = { telemetry, clock, env, ...signals, ready, warn, durable, ...operators }
  started.catch(() => undefined)
  try {
    resolve(stack.use(await service.start(config, context)))
  } catch (error) {
    reject(error)
    throw error
  }
  if (draining.signal.aborted) return
  await control?.open()
  telemetry.log.info(urls, 'service started')
  // With NODE_COMPILE_CACHE; at the exit only, a killed process would leave none.
  flushCompileCache()
}

async function listenForOperators<S extends Shape>(
  { service, config, telemetry, stack }: StartDeps<S>,
  readiness: Readiness,
): Promise<{ control: ControlServer | undefined } & Pick<ServiceContext, 'urls' | 'access'>> {
  const { host, metricsPort, controlPort } = config
  const access = controlPort === undefined || isLoopback(host) ? undefined : await service.access?.(config)
  const metrics =
    metricsPort === undefined
      ? undefined
      : stack.use(await startMetrics({ host, port: metricsPort, telemetry, service: service.name }))
  const control =
    controlPort === undefined
      ? undefined
      : stack.use(await startControlServer({ host, port: controlPort, readiness, log: telemetry.log, access }))
  return {
    control,
    ...(access && { access }),
    urls: { ...(control && { control: control.url }), ...(metrics && { metrics: metrics.url }) },
  }
}

/** Nobody can say what state is left: the log line is the last act, the supervisor starts anew. */
function exitOnUncaught({ log }: ServiceTelemetry): void {
  process.on('uncaughtException', (error, origin) => {
    log.error({ error, origin }, 'uncaught, exiting')
    process.exit(1)
  })
}
