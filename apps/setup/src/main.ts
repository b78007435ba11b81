/** Makes what controller and services share, once: a token, and TLS between them. Runs before every start, and ends. */
import { makeSharedSecrets, runTask } from '@sluice/service'
import { config } from './config.ts'

await runTask({
  ...{ name: 'setup', config },
  async run({ controllerHost, ...folders }) {
    const made = await makeSharedSecrets({ ...folders, names: [controllerHost] }, Date.now())
    return made.length === 0 ? ['nothing to make: all is there'] : made.map((path) => `made ${path}`)
  },
})
