/** As Kubernetes bounds a request's body. Source: k8s.io/apiserver, MaxRequestBodyBytes. */
export const MAX_BODY_BYTES = 3 * 1024 * 1024
/** Deeper than any kind of ours, and far from where a recursion would end. */
export const MAX_DEPTH = 128
/** Each holds a connection, of which the control port has 256. */
export const MAX_WATCHES = 200
/** Changes a watcher may be behind, beside those it begins with; one that is slower is cut and lists again. */
export const MAX_WAITING_EVENTS = 10_000
/** When nothing is asked. Source: kube-apiserver, --min-request-timeout, half an hour to an hour. */
export const WATCH_SECONDS = 3_600
/** Frames are put together up to this before they are written. */
export const FRAMES_BYTES = 64 * 1024
/** Smaller answers are not worth compressing. Source: k8s.io/apiserver, defaultGzipThresholdBytes. */
export const GZIP_FROM_BYTES = 128 * 1024
export const GZIP_LEVEL = 1
/** Encoded objects kept for the watchers that come to them next. */
export const ENCODED_KEPT = 512
/** Source: metav1 validation, FieldManagerMaxLength. */
export const MAX_MANAGER_CHARACTERS = 128
export const MAX_WARNING_BYTES = 4_096

/** What `kubectl version` shows: whose API this is like, and what it is. */
export const VERSION = {
  major: '1',
  minor: '34',
  gitVersion: 'v1.34.0+sluice',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'none',
  platform: 'any/any',
}
