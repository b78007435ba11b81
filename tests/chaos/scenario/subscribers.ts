import { setTimeout as wait } from 'node:timers/promises'
import { type Sink, type SinkAnswer, type SinkRequest, startSink } from '@sluice/testkit'
import { type ChaosTrigger, replyId, type Script, typeOf } from './triggers.ts'
import type { Stage, Visit, Witness } from './witness.ts'

/** Subscribers and dead letter sinks of all triggers on one port: each answers by its script and writes down who came. */
export function startSubscribers(triggers: readonly ChaosTrigger[], witness: Witness): Promise<Sink> {
  const byName = new Map(triggers.map((trigger) => [trigger.name, trigger]))

  const respond = async ({ path, id, at }: SinkRequest): Promise<SinkAnswer> => {
    const [, stage = '', name = ''] = path.split('/')
    const visit: Visit = { at, endedAt: Infinity, status: undefined }
    const nth = witness.at(stage as Stage, name).add(id, visit)
    witness.lastAt = at
    const trigger = byName.get(name)
    const plan = trigger?.plan(id)
    const script = stage === 'subscriber' ? plan?.subscriber : plan?.deadLetterSink
    if (trigger === undefined || script === undefined) return end(visit, 204)
    const status = answerTo(nth, script)
    if (script.delayMs > 0) await wait(script.delayMs)
    end(visit, status)
    return status === 200 ? reply(trigger, id) : status
  }
  return startSink({ respond, keepRequests: 0, keepBodyBytes: 0 })
}

/** Beyond the script the last answer stays. */
function answerTo(nth: number, { failures, last }: Script): number | 'reset' {
  return failures[nth] ?? last
}

function end<Status extends number | 'reset'>(visit: Visit, status: Status): Status {
  visit.status = status
  visit.endedAt = performance.now()
  return status
}

function reply(trigger: ChaosTrigger, id: string): SinkAnswer {
  const headers = {
    'ce-specversion': '1.0',
    'ce-id': replyId(trigger, id),
    'ce-source': '/chaos/replies',
    'ce-type': typeOf(trigger.replies ?? ''),
  }
  return { status: 200, headers, body: 'reply' }
}
