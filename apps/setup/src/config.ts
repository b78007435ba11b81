import { type Field, text } from '@sluice/config'

export const config = {
  sharedDir: text('SHARED_DIR', {
    fallback: '.sluice/shared',
    meaning: 'folder for what controller and services read: contract-token and controller-ca.crt',
  }),
  controllerDir: text('CONTROLLER_DIR', {
    fallback: '.sluice/controller-tls',
    meaning: 'folder for what the controller alone reads: controller.crt and controller.key, and the ca.key that signs',
  }),
  controllerHost: hostField(),
}

function hostField(): Field<string> {
  const host = text('CONTROLLER_HOST', {
    fallback: 'controller',
    meaning: 'name or address by which services reach the controller: what its certificate is for',
  })
  const problem = 'is neither a host name nor an address, such as controller or 192.0.2.7'
  return { ...host, parse: (value) => (/^[a-z\d.:-]{1,253}$/i.test(value) ? host.parse(value) : { problem }) }
}
