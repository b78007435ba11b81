/** ApiServerSources in a process of their own: an event for each change of an API server's objects, each source in one replica. */
import { type ApiServerSourceRow, openSourceDesk } from '@sluice/contract'
import { clusterTransport } from '@sluice/kubernetes'
import { running, runService } from '@sluice/service'
import { apiServerSources } from '@sluice/source-apiserver'
import { runSources } from '@sluice/source-runtime'
import { config, rules } from './config.ts'

const name = 'source-apiserver'

await runService({
  ...{ name, config, rules },
  async start(config, context) {
    await using stack = new AsyncDisposableStack()
    const cluster = stack.use(await clusterTransport(config.kubeconfig, config.apiServerUrl))
    const desk = stack.use(await openSourceDesk<ApiServerSourceRow>({ ...context, config, role: name }))
    context.ready('contract', desk.ready)
    context.warn('contract', desk.warning)
    const { hold } = stack.use(apiServerSources({ ...context, cluster }))
    const sources = stack.use(runSources({ ...context, desk, hold }))
    context.warn('sources', sources.warning)
    return running(stack, sources.drain)
  },
})
