import { stringify } from 'yaml'

interface TriggerWishes {
  readonly uri: string
  readonly attributes?: Readonly<Record<string, string>>
  readonly delivery?: object
  readonly annotations?: Readonly<Record<string, string>>
}

/** A Broker of namespace `default`. */
export function broker(name = 'default', annotations?: Readonly<Record<string, string>>): string {
  return document('Broker', name, annotations, {})
}

/** A Trigger on broker `default` of namespace `default`. */
export function trigger(name: string, { uri, attributes, delivery, annotations }: TriggerWishes): string {
  return document('Trigger', name, annotations, {
    broker: 'default',
    ...(attributes === undefined ? {} : { filter: { attributes } }),
    ...(delivery === undefined ? {} : { delivery }),
    subscriber: { uri },
  })
}

function document(kind: string, name: string, annotations: object | undefined, spec: object): string {
  const metadata = { namespace: 'default', name, ...(annotations === undefined ? {} : { annotations }) }
  const object = { apiVersion: 'eventing.knative.dev/v1', kind, metadata }
  return `---\n${stringify(Object.keys(spec).length > 0 ? { ...object, spec } : object)}`
}

/** Few and quick retries, for scenarios that wait for them to run out. */
export function quickRetries(retry: number): { retry: number; backoffPolicy: string; backoffDelay: string } {
  return { retry, backoffPolicy: 'linear', backoffDelay: 'PT0.05S' }
}
