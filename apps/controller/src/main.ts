/** The controller: keeps the contract what the manifests say, and serves it to ingress, filter and dispatcher. */
import { requireShared } from '@sluice/drivers'
import { controlAccess, runService } from '@sluice/service'
import { config, rules } from './config.ts'
import { startController } from './start-controller.ts'

await runService({
  ...{ name: 'controller', config, rules },
  check: (config) => requireShared(config, 'controller'),
  access: ({ dataDir, host }) => controlAccess(dataDir, host, Date.now()),
  start: startController,
})
