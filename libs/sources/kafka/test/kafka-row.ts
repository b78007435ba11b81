import type { KafkaSourceRow } from '@sluice/contract'

export function kafkaRow(row: Partial<KafkaSourceRow> = {}): KafkaSourceRow {
  return {
    ...{ uid: 'u1', hash: '', kind: 'KafkaSource', namespace: 'shop', name: 'orders' },
    target: { url: 'http://127.0.0.1:8080/shop/default', internal: true },
    ...{ bootstrapServers: ['kafka:9092'], topics: ['orders'], consumerGroup: 'g', consumers: 1 },
    ...{ initialOffset: 'earliest', ordering: 'ordered', keyType: 'string', tls: false, sasl: false },
    ...row,
  }
}
