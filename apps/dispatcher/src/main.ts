/** The dispatcher in a process of its own: delivers what waits in the queues of brokers, and the events of channels, to their subscribers. */
import { oneWrite } from '@sluice/channel'
import { openContract } from '@sluice/contract'
import { startDispatcher } from '@sluice/dispatch'
import { openDriver, requireShared } from '@sluice/drivers'
import { createAdmission } from '@sluice/ingress'
import { openServiceJournal } from '@sluice/journal'
import { startRedelivery } from '@sluice/redelivery'
import { running, runService, serveRoute } from '@sluice/service'
import { config, rules } from './config.ts'

const name = 'dispatcher'

await runService({
  ...{ name, config, rules },
  check: (config) => requireShared(config, name),
  async start(config, context) {
    await using stack = new AsyncDisposableStack()
    const opened = stack.use(await openDriver(config, { ...context, name }))
    opened.declare(context)
    // It copies the events of channels itself: of what ends at once no copy is stored
    const driver = oneWrite(opened.driver, context.clock)
    const contract = stack.use(await openContract({ ...context, config, roles: [name] }))
    context.ready('contract', contract.ready)
    context.warn('contract', contract.warning)
    const kept = stack.use(openServiceJournal({ ...context, config, name, contract }))
    if (kept !== undefined) serveRoute(context, kept.route)
    const journal = kept?.journal
    const admit = createAdmission({ ...context, ...config })
    const { ingressUrl = '' } = config
    const dispatcher = stack.use(
      startDispatcher({ ...context, driver, contract, replica: name, admit, ingressUrl, journal }),
    )
    const redelivery = stack.use(startRedelivery({ ...context, driver, contract }))
    for (const route of redelivery.routes) serveRoute(context, route)
    context.ready(name, dispatcher.ready)
    return running(stack, () => redelivery.drain().then(dispatcher.drain))
  },
})
