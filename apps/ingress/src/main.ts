/** The ingress in a process of its own: takes events over HTTP into the logs of their brokers. */
import { openContract } from '@sluice/contract'
import { openDriver, requireShared } from '@sluice/drivers'
import { startIngress } from '@sluice/ingress'
import { openServiceJournal } from '@sluice/journal'
import { running, runService, serveRoute } from '@sluice/service'
import { config, rules } from './config.ts'

const name = 'ingress'

await runService({
  ...{ name, config, rules },
  check: (config) => requireShared(config, name),
  async start(config, context) {
    await using stack = new AsyncDisposableStack()
    const { driver, declare } = stack.use(await openDriver(config, { ...context, name }))
    declare(context)
    const contract = stack.use(await openContract({ ...context, config, roles: [name] }))
    context.ready('contract', contract.ready)
    context.warn('contract', contract.warning)
    const kept = stack.use(openServiceJournal({ ...context, config, name, contract }))
    if (kept !== undefined) serveRoute(context, kept.route)
    const journal = kept?.journal
    const port = config.ingressPort
    const ingress = stack.use(
      await startIngress({ ...context, ...config, driver, contract, port, replica: name, journal }),
    )
    context.ready(name, ingress.ready)
    context.telemetry.log.info({ url: ingress.url }, 'waiting for events')
    return running(stack, ingress.drain)
  },
})
