/** KafkaSources in a process of their own: posts an event for each record, as members of each source's consumer group. */
import { type KafkaSourceRow, openSourceDesk } from '@sluice/contract'
import { openGroup } from '@sluice/kafka-group'
import { running, runService } from '@sluice/service'
import { kafkaSources } from '@sluice/source-kafka'
import { runSources } from '@sluice/source-runtime'
import { config, rules } from './config.ts'

const name = 'source-kafka'

await runService({
  ...{ name, config, rules },
  async start(config, context) {
    const { telemetry } = context
    await using stack = new AsyncDisposableStack()
    const desk = stack.use(await openSourceDesk<KafkaSourceRow>({ ...context, config, role: name }))
    context.ready('contract', desk.ready)
    context.warn('contract', desk.warning)
    const { hold, follow } = kafkaSources({
      telemetry,
      openGroup: (settings) => openGroup({ ...settings, clientId: name, log: telemetry.log }),
    })
    const sources = stack.use(runSources({ ...context, desk, hold, follow }))
    context.warn('sources', sources.warning)
    return running(stack, sources.drain)
  },
})
