import { join } from 'node:path'
import { text } from '@sluice/config'
import { kubeconfigLine, openRegistry, serveResourceApi, writeKubeconfig } from '@sluice/resource-api'
import { apiTable } from '@sluice/resources/api'
import { running, runService } from '@sluice/service'

/** The resource API and nothing behind it: nobody reconciles. */
await runService({
  name: 'resource-api',
  config: { dataDir: text('DATA_DIR', { fallback: '.', meaning: 'folder of the registry and the kubeconfig' }) },
  async start({ dataDir }, { control, telemetry, clock, urls }) {
    await using stack = new AsyncDisposableStack()
    const path = join(dataDir, 'resources.db')
    const registry = stack.use(await openRegistry({ path, table: apiTable(), clock, telemetry }))
    if (control === undefined || urls.control === undefined) throw new Error('CONTROL_PORT is off')
    const api = stack.use(serveResourceApi({ registry, control, telemetry, clock }))
    const kubeconfig = await writeKubeconfig({ folder: dataDir, server: urls.control })
    process.stdout.write(`control ${urls.control}\n${kubeconfigLine(kubeconfig)}\n`)
    return running(stack, async () => api[Symbol.dispose]())
  },
})
