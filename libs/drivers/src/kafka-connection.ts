import type { ConfigOf } from '@sluice/config'
import type { kafkaConfig } from './kafka.ts'

/** How somebody else says that a cluster is reached; texts in PEM. */
export interface OtherConnection {
  readonly isTls: boolean
  readonly login?: { readonly mechanism: string; readonly user: string; readonly password: string }
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

/** This process' connection to Kafka, for who compares others with it. */
export function kafkaConnection(config: ConfigOf<typeof kafkaConfig>) {
  const { kafkaBrokers = '', kafkaTls, kafkaCa, kafkaCert, kafkaKey } = config
  return {
    brokers: kafkaBrokers.split(',').map((each) => each.trim().toLowerCase()),
    /** By the names of both, and without a value. */
    differences({ isTls, login, ca, cert, key }: OtherConnection): readonly string[] {
      const usesTls = kafkaTls || kafkaCa !== undefined || kafkaCert !== undefined
      return [
        ...(isTls && !usesTls ? ['protocol asks for TLS, and neither KAFKA_TLS nor KAFKA_CA does'] : []),
        ...(!isTls && usesTls ? ['protocol asks for no TLS, and KAFKA_TLS, KAFKA_CA or KAFKA_CERT does'] : []),
        ...loginDifferences(config, login),
        // Without one of its own it trusts whom the system trusts, and says nothing of whom this one does
        ...(ca === undefined || isSame(ca, kafkaCa) ? [] : ['ca.crt is not the file of KAFKA_CA']),
        ...(isSame(cert, kafkaCert) ? [] : ['user.crt is not the file of KAFKA_CERT']),
        ...(isSame(key, kafkaKey) ? [] : ['user.key is not the file of KAFKA_KEY']),
      ]
    },
  }
}

function loginDifferences(config: ConfigOf<typeof kafkaConfig>, login: OtherConnection['login']): readonly string[] {
  const { kafkaSaslMechanism: mechanism, kafkaUser: user, kafkaPassword, kafkaPasswordFile } = config
  if (login === undefined) return user === undefined ? [] : ['protocol asks for no login, and KAFKA_USER is set']
  if (user === undefined) return ['protocol asks for a login, and KAFKA_SASL_MECHANISM is not set']
  const password = kafkaPassword ?? kafkaPasswordFile
  return [
    ...(login.mechanism === mechanism ? [] : ['sasl.mechanism is not KAFKA_SASL_MECHANISM']),
    ...(login.user === user ? [] : ['user is not KAFKA_USER']),
    ...(login.password.trim() === password?.trim() ? [] : ['password is not KAFKA_PASSWORD']),
  ]
}

/** White space tells no certificates apart. */
function isSame(one: string | undefined, other: string | undefined): boolean {
  return one?.replaceAll(/\s/g, '') === other?.replaceAll(/\s/g, '')
}
