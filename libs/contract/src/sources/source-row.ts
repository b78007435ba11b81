import type { Row, Target } from '../rows.ts'

/** A key of a Secret, never its value. */
export interface SecretReference {
  readonly namespace: string
  readonly name: string
  readonly key: string
}

/**
 * An object of a source kind, resolved, with defaults filled in. Its service posts every event to `target`, an ingress
 * of this installation, until it is stored; what becomes of it there is said by that ingress' log. Each kind adds the
 * fields its service needs.
 */
export interface SourceRow extends Row {
  readonly kind: 'PingSource' | 'GitHubSource' | 'ApiServerSource' | 'KafkaSource'
  readonly namespace: string
  readonly name: string
  readonly target: Target
  /** Set on each event over what the source itself sets. */
  readonly ceOverrides?: Readonly<Record<string, string>>
  /** What its service may ask the values of, by the name it asks with. */
  readonly secrets?: Readonly<Record<string, SecretReference>>
}
