import { controlAccess, runService } from '@sluice/service'
import { banner } from './banner.ts'
import { config, rules } from './config.ts'
import { firstEvent } from './first-event.ts'
import { startRoles } from './roles.ts'

/** Every role in one process, by default durable on the local disk: what `npm start` runs. */
await runService({
  ...{ name: 'standalone', config, rules },
  access: ({ dataDir, host }) => controlAccess(dataDir, host, Date.now()),
  start: async (config, context) => {
    const roles = await startRoles(config, context)
    const { ingressUrl: ingress, displayUrl, kubeconfig } = roles
    const example = firstEvent(roles.inForce(), displayUrl)
    process.stdout.write(banner({ ...context.urls, ...config, ingress, kubeconfig }, example))
    return roles
  },
})
