/** The controller: keeps the contract what the manifests say, and serves it to ingress, filter and dispatcher. */
import { requireShared } from '@sluice/drivers'
import { clusterTransport } from '@sluice/kubernetes'
import { controlAccess, runService } from '@sluice/service'
import { config, rules } from './config.ts'
import { startAsLeader } from './start-as-leader.ts'
import { startController } from './start-controller.ts'

await runService({
  ...{ name: 'controller', config, rules },
  check: (config) => requireShared(config, 'controller'),
  access: ({ dataDir, host }) => controlAccess(dataDir, host, Date.now()),
  start: async (config, context) =>
    config.controlPlane === 'embedded'
      ? startController(config, context)
      : startAsLeader({
          ...{ context, cluster: await clusterTransport(config.kubeconfig), namespace: config.leaseNamespace },
          start: (transport) => startController(config, context, transport),
          end() {
            process.exitCode = 1
            process.kill(process.pid, 'SIGTERM')
          },
          exit: () => process.exit(1),
        }),
})
