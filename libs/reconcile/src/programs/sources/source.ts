import type { ApiObject } from '@sluice/resources/api'
import { ceOverrides, deliverySpec, type Reading, SOURCE_DELIVERY } from '@sluice/resources/settings'
import type { ObjectEvent, Program, Reconciled } from '../../runtime/program.ts'
import { type Condition, conditionOf, isFalse, isTrue, outcome } from '../conditions.ts'
import { type Context, createOwners, deadLetterSink, resolvedFields, sinkOf, watchesOf } from '../context.ts'
import { type Destination, type Resolution, refsOf } from '../destination.ts'
import { type Fields, keyOf, specOf, statusFieldsOf, uidOf } from '../objects.ts'
import { createReferences } from '../references.ts'
import { ANY_NAMESPACE } from './api-server-source.ts'
import { deployed } from './deployed.ts'
import { finalizing } from './finalizer.ts'
import type { SourceEventTypes } from './source-event-types.ts'
import type { OwnFields, SourceKind } from './source-kind.ts'
import { sourceLogPath, sourceLogRows } from './source-log.ts'
import { reportOf } from './standings.ts'

/** A kind of sources: a row for its service each, whose events go to a log of this installation. */
export function sourceProgram(
  context: Context,
  kind: SourceKind,
  eventTypes: SourceEventTypes,
  referable: readonly string[],
): Program {
  const references = createReferences()
  const owners = createOwners(context)
  const listenToLogs = owners.listenTo(references, 'log')
  const { standings } = context
  return {
    kind: context.kinds(kind.kind),
    watches: [
      ...watchesOf(context, references, [...referable, 'ConfigMap']),
      { kind: context.kinds('Namespace'), concerns: () => references.of(ANY_NAMESPACE) },
      eventTypes.watch(kind.kind),
    ],
    listen(enqueue) {
      const listening = [
        listenToLogs(enqueue),
        ...(standings ? [standings.changed((uid) => owners.keysOf(uid).forEach(enqueue))] : []),
      ]
      return { [Symbol.dispose]: () => listening.forEach((each) => void each[Symbol.dispose]()) }
    },
    async reconcile(key, object) {
      await context.ready
      owners.note(key, object)
      if (object === undefined) {
        references.set(key, [])
        return {}
      }
      const { namespace } = keyOf(object)
      const { sink, delivery } = specOf(object) as { sink: Destination; delivery?: Fields }
      const resolution = sinkInForce(context, sink, namespace)
      references.set(key, [
        ...refsOf(sink, namespace),
        ...refsOf(sinkOf(delivery), namespace),
        ...(resolution.log === undefined ? [] : [`log ${resolution.log}`]),
        ...(kind.refsOf?.(context, object) ?? []),
      ])
      const given = { sink, delivery, resolution, read: kind.fieldsOf(context, object) }
      const finalized = await finalizing(context, kind, object, given.read)
      if (finalized !== undefined) return finalized
      return reconcileSource(context, kind, object, given, eventTypes)
    },
  }
}

interface Given {
  readonly sink: Destination
  readonly delivery: Fields | undefined
  readonly resolution: Sink
  readonly read: Reading<OwnFields>
}

interface Sink {
  readonly resolved: Resolution
  /** uid of the log that takes the events at once, whether or not it is in force. */
  readonly log?: string
}

/** A Broker or channel that takes no events has no address yet. */
function sinkInForce({ resolver, ledger }: Context, sink: Destination, namespace: string): Sink {
  const resolved = resolver.resolve(sink, namespace)
  if ('reason' in resolved || resolved.log === undefined) return { resolved }
  const { log } = resolved
  if (ledger.rows(log).ingress !== undefined) return { resolved, log }
  const called = `${sink.ref?.kind} ${sink.ref?.namespace ?? namespace}/${sink.ref?.name}`
  return { resolved: { reason: 'NoAddress', message: `${called} takes no events yet` }, log }
}

/** What cannot be resolved keeps its last good rows if it has any, and says so. */
async function reconcileSource(
  context: Context,
  kind: SourceKind,
  source: ApiObject,
  given: Given,
  eventTypes: SourceEventTypes,
): Promise<Reconciled> {
  const { ledger, clock, standings } = context
  const { namespace, name } = keyOf(source)
  const { resolution, delivery, read } = given
  const { resolved } = resolution
  const uid = uidOf(source)
  const overrides = ceOverrides(specOf(source))
  const spec = delivery === undefined ? { value: SOURCE_DELIVERY } : deliverySpec(delivery, undefined)
  const deadLetters = deadLetterSink(context, sinkOf(delivery), namespace)
  const problem = [read, overrides, spec].flatMap((each) => ('problem' in each ? [each.problem] : []))[0]
  const former = ledger.rows(uid)
  if (
    'target' in resolved &&
    'value' in read &&
    'value' in overrides &&
    'value' in spec &&
    deadLetters.condition.status === 'True'
  ) {
    // once it has a log it keeps it: what is in there is delivered in its turn
    const hasOwnLog = former.log !== undefined || resolution.log === undefined || delivery !== undefined
    const target = hasOwnLog
      ? {
          url: new URL(sourceLogPath(kind.kind, { namespace, name }), context.addresses.internal()).href,
          internal: true,
        }
      : resolved.target
    ledger.put(uid, {
      ...(hasOwnLog &&
        sourceLogRows({
          ...{ uid, namespace, name, kind: kind.kind, former, spec: spec.value, sink: resolved.target },
          ...{ retention: context.retention, backlogMaxBytes: context.backlogMaxBytes },
          deadLetterSink: deadLetters.resolved?.target,
          order: kind.order?.(read.value),
        })),
      source: {
        ...{ uid, namespace, name, kind: kind.kind, target, ...read.value },
        ...(overrides.value && { ceOverrides: overrides.value }),
      } as never,
    })
  } else if (former.source === undefined) ledger.put(uid, {})
  const row = ledger.rows(uid).source
  const report = reportOf(standings?.standing(uid), row)
  const state = deployed(context, kind, source, problem, report)
  const attributes = 'value' in read ? kind.ceAttributes(source, read.value, report) : []
  const refusal = await eventTypes.keep(source, attributes, given.sink.ref)
  const stored = report?.conditions.EventsStored
  return outcome(source, {
    clock,
    againInMs: state.againInMs,
    conditions: [
      'reason' in resolved
        ? isFalse('SinkProvided', resolved.reason, `spec.sink: ${resolved.message}`)
        : isTrue('SinkProvided'),
      ...(sinkOf(delivery) === undefined ? [] : [deadLetters.condition]),
      state.condition,
      ...kind.conditions(source, report),
      isTrue('OIDCIdentityCreated', 'authentication-oidc feature disabled'),
    ],
    also: stored === undefined ? [] : [{ type: 'EventsStored', ...stored }],
    events: [
      ...sinkNotFound(source, given.sink, resolved),
      ...oncePerGeneration(kind, source),
      ...(refusal === undefined ? [] : [{ type: 'Warning', reason: 'EventTypeRefused', message: refusal } as const]),
    ],
    status: {
      ...resolvedFields('sink', resolved),
      ...(attributes.length > 0 && { ceAttributes: attributes }),
      ...('value' in read && kind.status?.(read.value, report)),
    },
  })
}

function sinkNotFound(source: ApiObject, sink: Destination, resolved: Resolution): readonly ObjectEvent[] {
  const before: Condition | undefined = conditionOf(source, 'SinkProvided')
  if (!('reason' in resolved) || before?.status === 'False') return []
  const { ref, uri } = sink
  return [{ type: 'Warning', reason: 'SinkNotFound', message: `Sink not found: ${JSON.stringify({ ref, uri })}` }]
}

function oncePerGeneration(kind: SourceKind, source: ApiObject): readonly ObjectEvent[] {
  const { observedGeneration } = statusFieldsOf(source)
  return observedGeneration === source.metadata.generation ? [] : (kind.warnings?.(source) ?? [])
}
