/** The filter in a process of its own: reads the logs of brokers and queues one copy per matching trigger. */
import { openContract } from '@sluice/contract'
import { openDriver, requireShared } from '@sluice/drivers'
import { startFilter } from '@sluice/filter'
import { openServiceJournal } from '@sluice/journal'
import { running, runService, serveRoute } from '@sluice/service'
import { config, rules } from './config.ts'

const name = 'filter'

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
    const filter = stack.use(startFilter({ ...context, driver, contract, replica: name, journal }))
    context.ready(name, filter.ready)
    return running(stack, filter.drain)
  },
})
