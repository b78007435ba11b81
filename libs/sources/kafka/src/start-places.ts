import type { KafkaSourceRow, SourceState } from '@sluice/contract'
import type { MemberDeps, Place } from './record-group.ts'

const PREFIX = 'start/'

/**
 * Where partitions are read from whose group has committed nothing, as `initialOffset` says. Found out when a topic is
 * seen for the first time, and kept before anything is read: a record that comes before the first commit, a partition that
 * is added and offsets that Kafka forgets are then all read from where nothing is skipped.
 */
export async function startPlaces(
  { topics, initialOffset }: Pick<KafkaSourceRow, 'topics' | 'initialOffset'>,
  state: Pick<SourceState, 'get' | 'put'>,
  places: readonly Place[],
): Promise<MemberDeps['startOf']> {
  const starts = new Map<string, number>()
  const changes: Record<string, string> = {}
  for (const topic of topics) {
    const parts = places.filter((place) => place.topic === topic)
    const kept = await state.get(PREFIX + topic)
    const offsets = kept === undefined ? firstStarts(parts, initialOffset) : readStarts(kept)
    if (kept === undefined) changes[PREFIX + topic] = JSON.stringify(offsets)
    for (const { partition, committed, high } of parts) {
      const start = offsets[partition]
      // Behind its end: the topic was made anew since
      if (typeof start === 'number' && committed === undefined && start <= high)
        starts.set(`${topic} ${partition}`, start)
    }
  }
  if (Object.keys(changes).length > 0) await state.put(changes)
  return (topic, partition) => starts.get(`${topic} ${partition}`)
}

/** The same for who does not hold the source; undefined while its holder has not found them out. */
export async function keptStartPlaces(
  row: Pick<KafkaSourceRow, 'topics' | 'initialOffset'>,
  read: (key: string) => Promise<string | undefined>,
  places: readonly Place[],
): Promise<MemberDeps['startOf'] | undefined> {
  const kept = new Map<string, string>()
  for (const topic of row.topics) {
    const text = await read(PREFIX + topic)
    if (text === undefined) return undefined
    kept.set(PREFIX + topic, text)
  }
  return startPlaces(row, { get: async (key) => kept.get(key), put: async () => {} }, places)
}

/** By partition; null: its oldest record. */
function firstStarts(places: readonly Place[], initialOffset: KafkaSourceRow['initialOffset']): (number | null)[] {
  const starts: (number | null)[] = []
  for (const { partition, high, committed } of places) {
    starts[partition] = initialOffset === 'latest' && committed === undefined ? high : null
  }
  return starts
}

function readStarts(kept: string): readonly unknown[] {
  try {
    const read: unknown = JSON.parse(kept)
    return Array.isArray(read) ? read : []
  } catch {
    return []
  }
}
