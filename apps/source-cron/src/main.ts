/** PingSources in a process of their own: posts an event at each tick of their schedules, each source in one replica. */
import { openSourceDesk, type PingSourceRow } from '@sluice/contract'
import { running, runService } from '@sluice/service'
import { pingSource } from '@sluice/source-cron'
import { runSources } from '@sluice/source-runtime'
import { config, rules } from './config.ts'

const name = 'source-cron'

await runService({
  ...{ name, config, rules },
  async start(config, context) {
    await using stack = new AsyncDisposableStack()
    const desk = stack.use(await openSourceDesk<PingSourceRow>({ ...context, config, role: name }))
    context.ready('contract', desk.ready)
    context.warn('contract', desk.warning)
    const sources = stack.use(runSources({ ...context, desk, hold: pingSource(context) }))
    context.warn('sources', sources.warning)
    return running(stack, sources.drain)
  },
})
