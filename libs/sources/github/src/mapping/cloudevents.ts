import type { AttributeValue } from '@sluice/cloudevents'
import { type Payload, textAt, timeAt } from './payload.ts'

/** Where an event's attributes are in its payload. Of several paths the first that is there. */
interface Places {
  readonly source?: readonly string[]
  /** What follows `com.github.` and the event's name, or another name. */
  readonly suffix?: string
  readonly name?: string
  readonly subject?: string
  readonly time?: readonly string[]
}

const ACTION = 'action'
const REPOSITORY = ['repository.url']
const OWNER = ['repository.owner.url']
const ORGANIZATION = ['organization.url']

/** Source: cloudevents/spec cloudevents/adapters/github.md; without a time there: when it was received. */
const PLACES: Readonly<Record<string, Places>> = {
  check_run: { suffix: ACTION, subject: 'check_run.id', time: ['check_run.completed_at', 'check_run.started_at'] },
  check_suite: { suffix: ACTION, subject: 'check_suite.id', time: ['check_suite.updated_at'] },
  commit_comment: { suffix: ACTION, subject: 'comment.id', time: ['comment.updated_at'] },
  content_reference: { suffix: ACTION, subject: 'content_reference.id' },
  create: { suffix: 'ref_type', subject: 'ref' },
  delete: { suffix: 'ref_type', subject: 'ref' },
  deploy_key: { suffix: ACTION, subject: 'key.id', time: ['key.deleted_at', 'key.created_at'] },
  deployment: { subject: 'deployment.id', time: ['deployment.updated_at'] },
  deployment_status: {
    source: ['deployment.url'],
    suffix: 'deployment_status.state',
    subject: 'deployment_status.url',
    time: ['deployment_status.updated_at'],
  },
  fork: { subject: 'forkee.url', time: ['forkee.created_at'] },
  github_app_authorization: { source: ['sender.url'] },
  gollum: {},
  installation: {
    source: ['installation.account.url'],
    suffix: ACTION,
    subject: 'installation.id',
    time: ['installation.updated_at'],
  },
  installation_repositories: {
    source: ['installation.account.url'],
    name: 'installation_repository',
    suffix: ACTION,
    subject: 'installation.id',
    time: ['installation.updated_at'],
  },
  issue_comment: { source: ['issue.url'], suffix: ACTION, subject: 'comment.id', time: ['comment.updated_at'] },
  issues: { name: 'issue', suffix: ACTION, subject: 'issue.number', time: ['issue.updated_at'] },
  label: { suffix: ACTION, subject: 'label.name' },
  marketplace_purchase: { suffix: ACTION, subject: 'marketplace_purchase.account.login', time: ['effective_date'] },
  member: { suffix: ACTION, subject: 'member.login' },
  membership: { source: ['team.url'], suffix: ACTION, subject: 'member.login' },
  meta: { suffix: ACTION, subject: 'hook_id', time: ['hook.updated_at'] },
  milestone: { suffix: ACTION, subject: 'milestone.number', time: ['milestone.updated_at'] },
  organization: { source: ORGANIZATION, suffix: ACTION, subject: 'membership.user.login' },
  org_block: { source: ORGANIZATION, suffix: ACTION, subject: 'blocked_user.login' },
  page_build: { subject: 'build.url', time: ['pusher.updated_at'] },
  project_card: { suffix: ACTION, subject: 'project_card.id', time: ['project_card.updated_at'] },
  project_column: { suffix: ACTION, subject: 'project_column.id', time: ['project_column.updated_at'] },
  project: { suffix: ACTION, subject: 'project.id', time: ['project.updated_at'] },
  public: { source: OWNER, subject: 'repository.name', time: ['repository.updated_at'] },
  pull_request: { suffix: ACTION, subject: 'number', time: ['pull_request.updated_at'] },
  pull_request_review: {
    source: ['pull_request.url'],
    suffix: ACTION,
    subject: 'review.id',
    time: ['review.submitted_at'],
  },
  pull_request_review_comment: { suffix: ACTION, subject: 'comment.id', time: ['pull_request.updated_at'] },
  push: { subject: 'ref' },
  registry_package: { suffix: ACTION, subject: 'registry_package.html_url', time: ['registry_package.updated_at'] },
  release: { suffix: ACTION, subject: 'release.id' },
  repository: { source: OWNER, suffix: ACTION, subject: 'repository.name', time: ['repository.updated_at'] },
  repository_import: { source: OWNER, subject: 'repository.name', time: ['repository.updated_at'] },
  repository_vulnerability_alert: { suffix: ACTION, subject: 'alert.id' },
  security_advisory: { suffix: ACTION, subject: 'security_advisory.ghsa_id', time: ['security_advisory.updated_at'] },
  star: { suffix: ACTION, time: ['starred_at'] },
  status: { subject: 'sha', time: ['updated_at'] },
  team: { suffix: ACTION, subject: 'team.id', time: ['updated_at'] },
  team_add: { subject: 'team.id' },
  watch: { suffix: ACTION },
}

/** Events that came later than the adapter: their action, and who they are of. */
const OTHERS: Places = { suffix: ACTION }
const OF_WHOM = [...REPOSITORY, ...ORGANIZATION, 'enterprise.html_url', 'installation.account.url', 'sender.url']

/** Attributes as the CloudEvents adapter for GitHub sets them. `fallback`: the source where the payload names none. */
export function adapterAttributes(event: string, payload: Payload, fallback: string): Record<string, AttributeValue> {
  const { source = REPOSITORY, name = event, suffix, subject: subjectAt, time: times = [] } = PLACES[event] ?? OTHERS
  const parts = ['com.github', name, ...suffixOf(event, payload, suffix)]
  const subject = subjectAt && textAt(payload, subjectAt)
  const time = first([...releaseTimes(event, payload), ...times], (path) => timeAt(payload, path))
  return {
    type: parts.join('.'),
    source: special(event, payload) ?? first([...source, ...OF_WHOM], (path) => textAt(payload, path)) ?? fallback,
    ...(subject !== undefined && { subject }),
    ...(time !== undefined && { time }),
  }
}

function suffixOf(event: string, payload: Payload, path: string | undefined): string[] {
  const paths = event === 'membership' ? ['scope', ACTION] : path === undefined ? [] : [path]
  return paths.flatMap((each) => textAt(payload, each) ?? [])
}

/** `published_at` of a release that was published, and so on. */
function releaseTimes(event: string, payload: Payload): string[] {
  if (event !== 'release') return []
  return [`release.${textAt(payload, ACTION)}_at`, 'release.published_at', 'release.created_at']
}

function special(event: string, payload: Payload): string | undefined {
  if (event === 'security_advisory') return 'github.com'
  if (event === 'commit_comment') {
    const [url, commit] = [textAt(payload, 'comment.url'), textAt(payload, 'comment.commit_id')]
    return url && commit && `${url}/${commit}`
  }
  // All users, without the one
  return event === 'marketplace_purchase' ? textAt(payload, 'sender.url')?.replace(/\/[^/]*$/, '') : undefined
}

function first<T>(paths: readonly string[], find: (path: string) => T | undefined): T | undefined {
  for (const path of paths) {
    const found = find(path)
    if (found !== undefined) return found
  }
  return undefined
}
