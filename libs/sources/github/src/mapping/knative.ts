import type { AttributeValue } from '@sluice/cloudevents'
import { at, type Payload, textAt } from './payload.ts'

type Subject = (payload: Payload) => string | undefined

const MAX_INTEGER = 2 ** 31 - 1
const lastPart =
  (path: string): Subject =>
  (payload) =>
    textAt(payload, path)?.split('/').at(-1)
const text =
  (path: string): Subject =>
  (payload) =>
    textAt(payload, path)

/** Source: knative-extensions/eventing-github pkg/common/handler.go. */
const SUBJECTS: Readonly<Record<string, Subject>> = {
  check_run: text('check_run.id'),
  check_suite: text('check_suite.id'),
  commit_comment: lastPart('comment.html_url'),
  create: text('ref_type'),
  delete: text('ref_type'),
  deployment: text('deployment.id'),
  deployment_status: text('deployment.id'),
  fork: text('forkee.id'),
  gollum: pageNames,
  installation: text('installation.id'),
  installation_repositories: text('installation.id'),
  integration_installation: text('installation.id'),
  integration_installation_repositories: text('installation.id'),
  issue_comment: lastPart('comment.html_url'),
  issues: text('issue.number'),
  label: text('label.name'),
  member: text('member.id'),
  membership: text('member.id'),
  milestone: text('milestone.number'),
  organization: text('action'),
  org_block: text('action'),
  page_build: text('id'),
  ping: text('hook_id'),
  project_card: text('action'),
  project_column: text('action'),
  project: text('action'),
  public: text('repository.id'),
  pull_request: text('pull_request.number'),
  pull_request_review_comment: text('comment.id'),
  pull_request_review: text('review.id'),
  push: lastPart('compare'),
  release: text('release.tag_name'),
  repository: text('repository.id'),
  repository_vulnerability_alert: text('alert.id'),
  security_advisory: text('security_advisory.ghsa_id'),
  status: text('sha'),
  team: text('team.id'),
  team_add: text('repository.id'),
  watch: text('repository.id'),
}

const WHERE = { owner: 'repository.owner.login', repository: 'repository.name', sender: 'sender.login' }
const ORGANIZATION = { owner: 'organization.login', sender: 'sender.login' }
const INSTALLATION = { installation: 'installation.id', sender: 'sender.login' }

/** Extensions and where they are in the payload; events that are not named have `action` beside those of `WHERE`. */
const EXTENSIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  create: { ...WHERE, ref: 'ref' },
  delete: { ...WHERE, ref: 'ref' },
  deployment: WHERE,
  deployment_status: WHERE,
  fork: WHERE,
  gollum: WHERE,
  installation: { ...INSTALLATION, action: 'action' },
  installation_repositories: { ...INSTALLATION, action: 'action' },
  integration_installation: { ...INSTALLATION, action: 'action' },
  integration_installation_repositories: { ...INSTALLATION, action: 'action' },
  issues: { ...WHERE, action: 'action', label: 'label.name', assignee: 'assignee.login' },
  label: { ...WHERE, action: 'action', label: 'label.name' },
  membership: { ...ORGANIZATION, scope: 'scope', action: 'action' },
  organization: { ...ORGANIZATION, action: 'action' },
  org_block: { ...ORGANIZATION, action: 'action' },
  page_build: WHERE,
  ping: WHERE,
  public: WHERE,
  pull_request: {
    ...WHERE,
    installation: 'installation.id',
    action: 'action',
    number: 'number',
    label: 'label.name',
    assignee: 'assignee.login',
  },
  pull_request_review: { ...WHERE, installation: 'installation.id', action: 'action', review: 'review.state' },
  pull_request_review_comment: { ...WHERE, installation: 'installation.id', action: 'action' },
  push: {
    ...WHERE,
    installation: 'installation.id',
    pusher: 'pusher.name',
    ref: 'ref',
    created: 'created',
    deleted: 'deleted',
    forced: 'forced',
  },
  release: { ...WHERE, installation: 'installation.id', action: 'action', release: 'release.name' },
  repository_vulnerability_alert: { action: 'action' },
  security_advisory: { action: 'action' },
  status: { ...WHERE, state: 'state', name: 'name', context: 'context' },
  team: { sender: 'sender.login', action: 'action' },
  team_add: WHERE,
}

/** Attributes as Knative's source sets them; what the payload lacks is left out, not set to nothing. */
export function knativeAttributes(
  event: string,
  payload: Payload,
  ownerAndRepository: string,
): Record<string, AttributeValue> {
  const subject = SUBJECTS[event]?.(payload)
  return {
    type: `dev.knative.source.github.${event}`,
    // Of a GitHub Enterprise server, too: Knative's source knows no other
    source: `https://github.com/${ownerAndRepository}`,
    ...(subject !== undefined && subject !== '' && { subject }),
    ...extensionsOf(EXTENSIONS[event] ?? { ...WHERE, action: 'action' }, payload),
  }
}

function extensionsOf(paths: Readonly<Record<string, string>>, payload: Payload): Record<string, AttributeValue> {
  const found: Record<string, AttributeValue> = {}
  for (const [name, path] of Object.entries(paths)) {
    const value = at(payload, path)
    if (typeof value === 'boolean') found[name] = value
    else if (typeof value === 'number') found[name] = isInteger(value) ? value : String(value)
    else if (typeof value === 'string' && value !== '') found[name] = value
  }
  return found
}

/** CloudEvents' Integer has 32 bits. */
function isInteger(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) <= MAX_INTEGER
}

function pageNames(payload: Payload): string | undefined {
  const pages = at(payload, 'pages')
  if (!Array.isArray(pages)) return undefined
  return pages.flatMap((page: Payload) => textAt(page, 'page_name') ?? []).join(',')
}
