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

/** Files are bounded in size, so many triggers need several. */
const TRIGGERS_PER_FILE = 1_000

/** Files of one broker, one trigger that matches the generator's events, and `others` that match none of them. */
export function manifestsWith({ sinkUrl, others }: { sinkUrl: string; others: number }): Record<string, string> {
  const files: Record<string, string> = { 'bench.yaml': BROKER + trigger('matching', EVENT_TYPE, sinkUrl) }
  for (let from = 0; from < others; from += TRIGGERS_PER_FILE) {
    const count = Math.min(TRIGGERS_PER_FILE, others - from)
    const triggers = Array.from({ length: count }, (_, n) =>
      trigger(`other-${from + n}`, `com.example.other.n${from + n}`, sinkUrl),
    )
    files[`others-${from}.yaml`] = triggers.join('')
  }
  return files
}
