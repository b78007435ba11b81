/** Filter and dispatcher in one process, on the one-write path: a copy is stored only when its delivery does not end at once. */
import { oneWrite } from '@sluice/channel'
import { openContract } from '@sluice/contract'
import { startDispatcher } from '@sluice/dispatch'
import { openDriver, requireShared } from '@sluice/drivers'
import { startFilter } from '@sluice/filter'
import { createAdmission } from '@sluice/ingress'
import { openServiceJournal } from '@sluice/journal'
import { startRedelivery } from '@sluice/redelivery'
import { running, runService, serveRoute } from '@sluice/service'
import { config, rules } from './config.ts'

const name = 'filter-dispatcher'

await runService({
  ...{ name, config, rules },
  check: (config) => requireShared(config, name),
  async start(config, context) {
    await using stack = new AsyncDisposableStack()
    const opened = stack.use(await openDriver(config, { ...context, name }))
    opened.declare(context)
    const contract = stack.use(await openContract({ ...context, config, roles: ['filter', 'dispatcher'] }))
    context.ready('contract', contract.ready)
    context.warn('contract', contract.warning)
    const kept = stack.use(openServiceJournal({ ...context, config, name, contract }))
    if (kept !== undefined) serveRoute(context, kept.route)
    const journal = kept?.journal
    const role = { ...context, contract, journal, driver: oneWrite(opened.driver, context.clock) }
    const admit = createAdmission({ ...context, ...config })
    const { ingressUrl = '' } = config
    // First to start, so that the filter's first copy finds it, and first to go: what is published after is written
    const dispatcher = startDispatcher({ ...role, replica: 'dispatcher', admit, ingressUrl })
    const filter = stack.use(startFilter({ ...role, replica: 'filter' }))
    stack.use(dispatcher)
    const redelivery = stack.use(startRedelivery(role))
    for (const route of redelivery.routes) serveRoute(context, route)
    context.ready('filter', filter.ready)
    context.ready('dispatcher', dispatcher.ready)
    return running(stack, () => redelivery.drain().then(filter.drain).then(dispatcher.drain))
  },
})
