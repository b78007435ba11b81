import type { TopicRecord } from './record.ts'
import type { Turn } from './record-group.ts'

/**
 * Publishes the records, at most `mostAtOnce` at a time. With one at a time each waits for the one before it. What is
 * passed has no gap: a record that is stored before an earlier one counts once that has ended, too. `publish` answers
 * whether the record has come to its end.
 */
export async function takeRecords(
  records: readonly TopicRecord[],
  turn: Turn,
  publish: (record: TopicRecord, signal: AbortSignal) => Promise<boolean>,
  mostAtOnce: number,
): Promise<void> {
  const ended = new Set<number>()
  let next = 0
  let passed = 0
  const work = async (): Promise<void> => {
    while (!turn.closing.aborted) {
      const index = next++
      const record = records[index]
      if (record === undefined || !(await publish(record, turn.aborted))) return
      ended.add(index)
      const before = passed
      while (ended.delete(passed)) passed++
      const last = records[passed - 1]
      if (passed > before && last !== undefined) turn.passed(last.offset + 1)
    }
  }
  await Promise.all(Array.from({ length: Math.min(mostAtOnce, records.length) }, work))
}
