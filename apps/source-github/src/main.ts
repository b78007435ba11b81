/** GitHubSources in a process of their own: takes webhooks, in every replica, and keeps each source's hook, in one. */
import { type GitHubSourceRow, openSourceDesk } from '@sluice/contract'
import { running, runService } from '@sluice/service'
import { startGitHubSources } from '@sluice/source-github'
import { config, rules } from './config.ts'

const name = 'source-github'

await runService({
  ...{ name, config, rules },
  async start(config, context) {
    await using stack = new AsyncDisposableStack()
    const desk = stack.use(await openSourceDesk<GitHubSourceRow>({ ...context, config, role: name }))
    context.ready('contract', desk.ready)
    context.warn('contract', desk.warning)
    const sources = stack.use(await startGitHubSources({ ...context, desk, maxBodyBytes: config.maxEventBytes }))
    context.warn('sources', sources.warning)
    const url = await sources.receiver.listen(config.host, config.receiverPort)
    context.telemetry.log.info({ url }, 'waiting for webhooks')
    return running(stack, sources.drain)
  },
})
