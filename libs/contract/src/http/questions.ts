import { randomUUID } from 'node:crypto'
import type { Clock } from '@sluice/clock'
import { EventingError } from '@sluice/errors'
import { isSourceRole } from '../interest.ts'
import { either, whenHolds } from '../when-holds.ts'
import { within } from '../within.ts'
import type { Leases, Replica } from './leases.ts'
import { type Answer, MAX_QUESTIONS, QUESTION_MS, type Question } from './protocol.ts'

/** What every live replica said to a question, and who said nothing of use. */
export interface Asked {
  readonly answers: readonly { readonly replica: Replica; readonly answer: unknown }[]
  readonly unanswered: readonly { readonly replica: Replica; readonly reason: string }[]
}

export interface Questions {
  /** Waits for every replica with a lease, for at most 2 s. Throws CONTRACT_QUESTIONS_FULL. */
  ask(topic: string, about: unknown, signal?: AbortSignal): Promise<Asked>
  /** Takes the next one that this replica was not sent. */
  next(instance: string): Question | undefined
  hasNext(instance: string): boolean
  /** One that nobody waits for any more is dropped. */
  answered(answer: Answer): void
  /** Calls back when somebody may have something to be sent. */
  changed(listener: () => void): Disposable
}

const NEVER = new AbortController().signal

export function createQuestions({ clock, leases }: { clock: Clock; leases: Pick<Leases, 'live' | 'changed'> }) {
  const open = new Map<string, Map<string, Answer>>()
  const unsent = new Map<string, Question[]>()
  const listeners = new Set<() => void>()
  const tell = () => {
    for (const listener of [...listeners]) listener()
  }
  const changed = (listener: () => void): Disposable => {
    listeners.add(listener)
    return { [Symbol.dispose]: () => void listeners.delete(listener) }
  }
  const isLive = (instance: string) => leases.live().some((replica) => replica.instance === instance)

  const questions: Questions = {
    async ask(topic, about, signal = NEVER) {
      if (open.size >= MAX_QUESTIONS) {
        const message = `${MAX_QUESTIONS} questions are being asked already`
        throw new EventingError({ code: 'CONTRACT_QUESTIONS_FULL', maxQuestions: MAX_QUESTIONS }, message)
      }
      // of events, services of sources know nothing
      const asked = leases.live().filter(({ roles: [role = ''] }) => !isSourceRole(role))
      const question: Question = { id: randomUUID(), topic, about }
      const answers = new Map<string, Answer>()
      open.set(question.id, answers)
      for (const { instance } of asked) unsent.set(instance, [...(unsent.get(instance) ?? []), question])
      tell()
      const isOver = () => asked.every(({ instance }) => answers.has(instance) || !isLive(instance))
      try {
        await within(QUESTION_MS, signal, clock, (over) => whenHolds(isOver, either(changed, leases.changed), over))
      } finally {
        open.delete(question.id)
        for (const { instance } of asked) forget(instance, question)
      }
      return sorted(asked, answers, isLive)
    },
    next(instance) {
      const [first] = unsent.get(instance) ?? []
      if (first !== undefined) forget(instance, first)
      return first
    },
    hasNext: (instance) => unsent.has(instance),
    answered(answer) {
      open.get(answer.id)?.set(answer.instance, answer)
      tell()
    },
    changed,
  }
  return questions

  function forget(instance: string, question: Question): void {
    const rest = (unsent.get(instance) ?? []).filter((one) => one !== question)
    if (rest.length === 0) unsent.delete(instance)
    else unsent.set(instance, rest)
  }
}

function sorted(
  asked: readonly Replica[],
  given: ReadonlyMap<string, Answer>,
  isLive: (instance: string) => boolean,
): Asked {
  const answers: { replica: Replica; answer: unknown }[] = []
  const unanswered: { replica: Replica; reason: string }[] = []
  for (const replica of asked) {
    const answer = given.get(replica.instance)
    const silence = isLive(replica.instance) ? `no answer within ${QUESTION_MS} ms` : 'its lease ended'
    const reason = answer === undefined ? silence : answer.problem
    if (reason === undefined) answers.push({ replica, answer: answer?.answer })
    else unanswered.push({ replica, reason })
  }
  return { answers, unanswered }
}
