import { EVENT_TYPE } from './load/request.ts'

const BROKER = `apiVersion: eventing.knative.dev/v1
kind: Broker
metadata:
  namespace: default
  name: default
`

function trigger(name: string, type: string, sinkUrl: string): string {
  return `---
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata:
  namespace: default
  name: ${name}
spec:
  broker: default
  filter:
    attributes:
      type: ${type}
  subscriber:
    uri: ${sinkUrl}/
`
}

/** One broker, one trigger that matches the generator's events, and `others` that match none of them. */
export function manifestsWith({ sinkUrl, others }: { sinkUrl: string; others: number }): string {
  const rest = Array.from({ length: others }, (_, n) => trigger(`other-${n}`, `com.example.other.n${n}`, sinkUrl))
  return [BROKER, trigger('matching', EVENT_TYPE, sinkUrl), ...rest].join('')
}
