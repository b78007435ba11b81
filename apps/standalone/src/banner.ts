export interface Places {
  readonly ingress: string
  readonly control?: string
  readonly metrics?: string
  readonly dataDir: string
}

/** What a person sees first: where things are, and a line to paste. */
export function banner({ ingress, control, metrics, dataDir }: Places): string {
  return `Sluice is running; what it accepts is kept in ${dataDir}

  ingress   ${ingress}
  control   ${control ?? 'off'}
  metrics   ${metrics ?? 'off'}

Paste this, and the event shows up here:

  curl -i ${ingress}/default/default -H 'ce-specversion: 1.0' -H 'ce-id: 1' -H 'ce-source: /curl' -H 'ce-type: dev.example.hello' -H 'content-type: application/json' -d '{"hello":"world"}'

`
}
