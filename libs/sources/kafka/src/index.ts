export { type KafkaDeps, type KafkaSources, kafkaSources } from './kafka-source.ts'
export type { GroupSettings, Member, MemberDeps, OpenGroup, Place, RecordGroup, Turn } from './record-group.ts'
