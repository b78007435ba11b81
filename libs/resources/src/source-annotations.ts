import { flag, oneOf } from './annotations.ts'

/** Annotations of a PingSource. */
export const PING_ANNOTATIONS = {
  'sluice.dev/missed-ticks': oneOf('skip', 'once', 'all'),
}

/** Of a GitHubSource. */
export const GITHUB_ANNOTATIONS = {
  'sluice.dev/webhook': oneOf('managed', 'manual'),
  'sluice.dev/webhook-scope': oneOf('owner', 'enterprise'),
  'sluice.dev/event-format': oneOf('knative', 'cloudevents'),
  'sluice.dev/allow-sha1': flag,
}

/** Of an ApiServerSource: ours, and the one of Knative's. */
export const API_SERVER_ANNOTATIONS = {
  'sluice.dev/initial-listing': oneOf('none', 'add'),
  'features.knative.dev/apiserversource-skip-permissions-check': flag,
}
