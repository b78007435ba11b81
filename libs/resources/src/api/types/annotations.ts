import { type Annotation, unknownAnnotation } from '../../annotations.ts'
import type { RequestRule } from '../kind.ts'
import { annotationsOf } from './channelable.ts'

type Known = Readonly<Record<string, Annotation<unknown>>>

/** A rule for each annotation a kind knows, and one that refuses others under sluice.dev by name. */
export function annotationRules(known: Known): readonly RequestRule[] {
  return [...Object.entries(known).map(([name, read]) => valueRule(name, read)), ownNamesRule(Object.keys(known))]
}

function valueRule(name: string, read: Annotation<unknown>): RequestRule {
  const cel = read.cel?.replace(/\btext\b/g, `annotations['${name}']`)
  return {
    cel: cel && `!('${name}' in annotations) || (${cel})`,
    path: ['metadata', 'annotations', name],
    message: `${name} ${claimOf(read)}`,
    problem({ object }) {
      const text = annotationsOf(object)[name]
      const answer = text === undefined ? undefined : read(text)
      return answer !== undefined && 'problem' in answer ? [answer] : undefined
    },
  }
}

/** What a reader says of any text it does not take, without the text. */
function claimOf(read: Annotation<unknown>): string {
  const answer = read('\u0000')
  return 'problem' in answer ? answer.problem.replace(/, found .*$/s, '') : ''
}

/** Annotations of Knative and of others are left alone: their tools write some that mean nothing here. */
function ownNamesRule(known: readonly string[]): RequestRule {
  const own = known.filter((name) => isOurs(name))
  const list = own.map((name) => `'${name}'`).join(', ')
  return {
    cel: `annotations.all(name, !name.startsWith('sluice.dev/')${own.length === 0 ? '' : ` || name in [${list}]`})`,
    path: ['metadata', 'annotations'],
    message: `an annotation under sluice.dev is not of this kind, which has ${own.length === 0 ? 'none' : own.join(', ')}`,
    problem: ({ object }) =>
      Object.keys(annotationsOf(object))
        .filter((name) => isOurs(name) && !known.includes(name))
        .map((name) => ({
          problem: unknownAnnotation(name, known)?.problem ?? 'is not an annotation of this kind: remove it',
          path: ['metadata', 'annotations', name],
          isName: true,
        })),
  }
}

function isOurs(name: string): boolean {
  return name.startsWith('sluice.dev/')
}
