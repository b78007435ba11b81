export type { AttributeValue, CloudEvent, DataKind } from './event.ts'
