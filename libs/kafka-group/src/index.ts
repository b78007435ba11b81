export type { Batch, GroupMember, MemberDeps, Turn } from './member.ts'
export { type KafkaGroup, openGroup, type Place } from './open-group.ts'
export type { GroupOptions } from './options.ts'
