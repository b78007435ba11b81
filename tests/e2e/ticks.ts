import type { SinkRequest } from '@sluice/testkit'

/** A PingSource of namespace `shop` that ticks every second into a sink of no kind of ours. */
export function ticking(name: string, uri: string): string {
  return `
apiVersion: sources.knative.dev/v1
kind: PingSource
metadata: { name: ${name}, namespace: shop }
spec:
  schedule: "* * * * * *"
  contentType: application/json
  data: '{"hello":"world"}'
  ceOverrides: { extensions: { team: blue } }
  sink: { uri: ${uri} }
`
}

/** The tick that an event is of, in seconds. */
export function secondOf({ headers }: SinkRequest): number {
  return Date.parse(String(headers['ce-time'])) / 1_000
}

/** Of one source: seconds between the first and the last tick of which no event came. */
export function missingTicks(requests: readonly SinkRequest[]): readonly number[] {
  const seen = new Set(requests.map(secondOf))
  const [first, last] = [Math.min(...seen), Math.max(...seen)]
  return Array.from({ length: last - first + 1 }, (_, i) => first + i).filter((second) => !seen.has(second))
}
