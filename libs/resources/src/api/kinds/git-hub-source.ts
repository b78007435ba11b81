import { z } from 'zod'
import { httpUrl } from '../../fields.ts'
import { GITHUB_ANNOTATIONS } from '../../source-annotations.ts'
import { AGE, type ApiKind, READY } from '../kind.ts'
import { mirrored } from '../rule.ts'
import { annotationRules } from '../types/annotations.ts'
import { objectName } from '../types/reference.ts'
import { secretValue } from '../types/secret-value.ts'
import {
  eventTypesAnnotation,
  SINK_COLUMN,
  SOURCE_CATEGORIES,
  sourceLabels,
  sourceSpec,
  sourceStatus,
} from '../types/source.ts'

/** Source: knative-extensions/eventing-github config/core/300-githubsource.yaml. */
const KNATIVE_EVENTS = [
  ...['check_suite', 'commit_comment', 'create', 'delete', 'deployment', 'deployment_status', 'fork', 'gollum'],
  ...['installation', 'integration_installation', 'issue_comment', 'issues', 'label', 'member', 'membership'],
  ...['milestone', 'organization', 'org_block', 'page_build', 'ping', 'project_card', 'project_column', 'project'],
  ...['public', 'pull_request', 'pull_request_review', 'pull_request_review_comment', 'push', 'release', 'repository'],
  ...['status', 'team', 'team_add', 'watch'],
]

/** That webhooks of repositories and organisations have besides. Source: docs.github.com, webhook events and payloads. */
const MORE_EVENTS = [
  ...[
    'branch_protection_configuration',
    'branch_protection_rule',
    'check_run',
    'code_scanning_alert',
    'custom_property',
  ],
  ...['custom_property_values', 'dependabot_alert', 'deploy_key', 'deployment_protection_rule', 'discussion'],
  ...['discussion_comment', 'merge_group', 'meta', 'package', 'projects_v2', 'projects_v2_item'],
  ...['pull_request_review_thread', 'registry_package', 'repository_advisory', 'repository_import'],
  ...[
    'repository_ruleset',
    'repository_vulnerability_alert',
    'secret_scanning_alert',
    'secret_scanning_alert_location',
  ],
  ...['security_and_analysis', 'star', 'sub_issues', 'workflow_job', 'workflow_run'],
]
const EVENT_TYPES = [...KNATIVE_EVENTS, ...MORE_EVENTS]

/** Source: knative-extensions/eventing-github pkg/apis/sources/v1alpha1/githubsource_types.go. */
export const gitHubSource: ApiKind = {
  group: 'sources.knative.dev',
  kind: 'GitHubSource',
  plural: 'githubsources',
  singular: 'githubsource',
  shortNames: [],
  categories: SOURCE_CATEGORIES,
  scope: 'Namespaced',
  description: 'Sends an event for each webhook of a repository or an organisation of GitHub.',
  owner: 'sluice',
  labels: sourceLabels(),
  annotations: eventTypesAnnotation(EVENT_TYPES.map((name) => ({ type: `dev.knative.source.github.${name}` }))),
  requestRules: annotationRules(GITHUB_ANNOTATIONS),
  versions: [
    {
      name: 'v1alpha1',
      storage: true,
      schema: z.object({
        spec: z.object({
          ownerAndRepository: z
            .string()
            .max(255)
            .regex(/^[^/\s]+(\/[^/\s]*)?$/, { error: 'must be "owner/repository", or "owner" for an organisation' })
            .meta({ description: 'The repository, as owner/repository; the owner alone is an organisation.' }),
          eventTypes: z
            .array(
              z
                .string()
                .max(64)
                .regex(/^([a-z][a-z0-9_]*|\*)$/, { error: 'must be the name of an event, such as "push", or "*"' }),
            )
            .min(1)
            .max(128)
            .meta({ description: 'Events that the webhook is told to send; "*" is every one.' }),
          accessToken: secretValue('Token that may write webhooks.'),
          secretToken: secretValue('Secret that requests of the webhook are signed with.'),
          githubAPIURL: mirrored(httpUrl, {
            cel: "self.matches('^[hH][tT][tT][pP][sS]?://[^/?#]') && size(self) <= 2048 && !self.contains('#')",
            message: 'must be a URL such as "https://host/api/v3/"',
          })
            .meta({ description: 'Base of the API of a GitHub Enterprise server; absent: https://api.github.com.' })
            .optional(),
          secure: z
            .boolean()
            .meta({ description: 'Whether GitHub is told a URL of https; absent: as this installation is reached.' })
            .optional(),
          serviceAccountName: objectName
            .meta({ description: 'Taken and without effect: one service receives for all.' })
            .optional(),
          ...sourceSpec,
        }),
        status: z
          .object({
            ...sourceStatus,
            webhookIDKey: z.string().meta({ description: 'Id of the webhook at GitHub.' }).optional(),
          })
          .optional(),
      }),
      printerColumns: [...READY, SINK_COLUMN, AGE],
    },
  ],
}
