import { type Answer, MAX_ANSWER_BYTES, type Question } from './protocol.ts'

/** Who knows about a topic. Why it rejects is logged here, and told to nobody. */
export type Answerer = (about: unknown) => Promise<object>

interface AnsweringDeps {
  readonly instance: string
  readonly answerers: ReadonlyMap<string, Answerer>
  readonly failed: (error: unknown) => void
}

/** The answer of this process, or why it has none. Never rejects. */
export async function answerTo(
  { id, topic, about }: Question,
  { instance, answerers, failed }: AnsweringDeps,
): Promise<Answer> {
  const none = (problem: string) => ({ instance, id, problem })
  const answerer = answerers.get(topic)
  if (answerer === undefined) return none(`nothing here answers about ${topic}`)
  try {
    const answer = await answerer(about)
    const isLarge = Buffer.byteLength(JSON.stringify(answer)) > MAX_ANSWER_BYTES
    return isLarge ? none(`its answer is larger than ${MAX_ANSWER_BYTES} bytes`) : { instance, id, answer }
  } catch (error) {
    failed(error)
    return none('it failed; its log says why')
  }
}
