import { EVENT_TYPE } from './load/request.ts'

const BROKER = `apiVersion: eventing.knative.dev/v1
kind: Broker
metadata:
  namespace: default
  name: default
`

function trigger(name: string, type: string, sinkUrl: string, maxInFlight?: number): string {
  const annotations = maxInFlight === undefined ? '' : `\n  annotations: { sluice.dev/max-in-flight: "${maxInFlight}" }`
  return `---
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata:
  namespace: default
  name: ${name}${annotations}
spec:
  broker: default
  filter:
    attributes:
      type: ${type}
  subscriber:
    uri: ${sinkUrl}/
`
}

/** Files are bounded in size, so many triggers need several. */
const TRIGGERS_PER_FILE = 1_000

interface Scenario {
  readonly sinkUrl: string
  readonly others: number
  /** Of the trigger that matches. */
  readonly maxInFlight?: number
}

/** Files of one broker, one trigger that matches the generator's events, and `others` that match none of them. */
export function manifestsWith({ sinkUrl, others, maxInFlight }: Scenario): Record<string, string> {
  const files: Record<string, string> = { 'bench.yaml': BROKER + trigger('matching', EVENT_TYPE, sinkUrl, maxInFlight) }
  for (let from = 0; from < others; from += TRIGGERS_PER_FILE) {
    const count = Math.min(TRIGGERS_PER_FILE, others - from)
    const triggers = Array.from({ length: count }, (_, n) =>
      trigger(`other-${from + n}`, `com.example.other.n${from + n}`, sinkUrl),
    )
    files[`others-${from}.yaml`] = triggers.join('')
  }
  return files
}
