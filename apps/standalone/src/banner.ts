import { relative } from 'node:path'
import { type FirstEvent, HELLO_ARGUMENTS } from './first-event.ts'

export interface Places {
  readonly ingress: string
  /** As others reach the ingress, where that was said. */
  readonly ingressUrl?: string | undefined
  readonly control?: string
  readonly metrics?: string
  readonly manifests: string
  readonly dataDir: string
  /** The line that makes kubectl of a shell use the resources. */
  readonly kubeconfig?: string | undefined
}

/** What a person sees first: where things are, and a line to paste with what will come of it. */
export function banner(
  { ingress, ingressUrl, control, metrics, manifests, dataDir, kubeconfig }: Places,
  first?: FirstEvent,
): string {
  const elsewhere = ingressUrl === undefined ? '' : ` (from elsewhere ${ingressUrl})`
  return `Sluice is running; what it accepts is kept in ${dataDir}

  ingress   ${ingress}${elsewhere}
  control   ${control ?? 'off'}
  metrics   ${metrics ?? 'off'}
  manifests ${fromHere(manifests)}
${kubectl(kubeconfig)}
${first === undefined ? noBroker(manifests) : invitation(ingress, first)}

`
}

function kubectl(line: string | undefined): string {
  return line === undefined ? '' : `  kubectl   ${line}\n`
}

function noBroker(manifests: string): string {
  return `No broker takes events yet: put manifests into ${fromHere(manifests)}; they are in force within a second.`
}

function invitation(ingress: string, first: FirstEvent): string {
  return `Paste this, and ${outcome(first)}:

  curl -i ${ingress}${first.path} ${HELLO_ARGUMENTS}`
}

function outcome({ isShown, triggers: [trigger, ...others] }: FirstEvent): string {
  if (isShown) return 'the event shows up here'
  if (trigger === undefined) return 'the event is accepted (202) and goes nowhere: no trigger matches it'
  const more = others.length === 0 ? '' : ` and to ${others.length} more`
  return `the event goes to ${trigger.url} (trigger ${trigger.name})${more}, not to this screen`
}

/** As a person would type it: relative where that is shorter to read. */
function fromHere(folder: string): string {
  const path = relative(process.cwd(), folder)
  return path === '' || path.startsWith('..') ? folder : path
}
