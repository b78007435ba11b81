import type { KafkaSourceRow, ReplicaPlace } from '@sluice/contract'

/**
 * How many members of a source's group a replica runs. One is the holder's; several are shared by all replicas, evenly,
 * and beginning with another one for each source. Two that see different replicas run one too many or too few, which is no
 * harm: the group divides the partitions.
 */
export function seatsOf(
  { uid, consumers }: Pick<KafkaSourceRow, 'uid' | 'consumers'>,
  place: ReplicaPlace | undefined,
  isHolder: boolean,
): number {
  if (consumers < 2 || place === undefined || place.of < 2) return isHolder ? consumers : 0
  const { rank, of } = place
  const turn = (rank + hashOf(uid)) % of
  return Math.floor(consumers / of) + (turn < consumers % of ? 1 : 0)
}

function hashOf(uid: string): number {
  let hash = 0
  for (let i = 0; i < uid.length; i++) hash = (Math.imul(hash, 31) + uid.charCodeAt(i)) >>> 0
  return hash
}
