import type { ApiObject } from '@sluice/resources/api'
import type { Reading } from '@sluice/resources/settings'
import type { Reconciled } from '../../runtime/program.ts'
import { isFalse, outcome } from '../conditions.ts'
import type { Context } from '../context.ts'
import { uidOf } from '../objects.ts'
import type { OwnFields, SourceKind } from './source-kind.ts'
import { reportOf } from './standings.ts'

/**
 * Of a source whose service has to clean up:
 *
 *   made ── finalizer set ──► rows ── deleted ──► row that is ending ── service: done ──► finalizer taken away
 *
 * Answers undefined where nothing is to be done about it. A source that never had a row has left nothing anywhere.
 */
export async function finalizing(
  context: Context,
  kind: SourceKind,
  source: ApiObject,
  read: Reading<OwnFields>,
): Promise<Reconciled | undefined> {
  const { finalizer, service } = kind
  const isDeleted = source.metadata.deletionTimestamp !== undefined
  if (finalizer === undefined) return undefined
  const all = (source.metadata.finalizers ?? []) as readonly string[]
  const has = all.includes(finalizer.name)
  const isNeeded = 'value' in read ? finalizer.isNeeded(source, read.value) : has
  const set = async (finalizers: readonly string[]) => {
    const metadata = { ...source.metadata, finalizers }
    await context.client.update(context.kinds(kind.kind), { ...source, metadata })
    // its change brings this object back
    return {}
  }
  if (!isDeleted) {
    if (isNeeded === has) return undefined
    return set(isNeeded ? [...all, finalizer.name] : all.filter((each) => each !== finalizer.name))
  }
  if (!has) return {}
  const uid = uidOf(source)
  const rows = context.ledger.rows(uid)
  const { source: row } = rows
  const report = reportOf(context.standings?.standing(uid), row)
  const isDone = report !== undefined && finalizer.isDone(report)
  if (!isNeeded || row === undefined || isDone) return set(all.filter((each) => each !== finalizer.name))
  // as it was last, whatever became of its sink
  context.ledger.put(uid, { ...rows, source: { ...row, ending: true } as never })
  const message = `is deleted once ${service} has cleaned up; to let it go at once: annotate it sluice.dev/webhook=manual`
  return outcome(source, {
    clock: context.clock,
    conditions: [isFalse('Deployed', 'Ending', report?.conditions.WebhookConfigured?.message ?? message)],
  })
}
