import { z } from 'zod'
import { attributeNameProblem, filterFields } from '../../filter.ts'
import { mirrored, withRules } from '../rule.ts'

const NAME = '^[a-z][a-z0-9]*$'
const isName = (name: string) => new RegExp(NAME).test(name)

/** A map of attribute to text. */
function attributes(description: string) {
  return z.record(z.string(), z.string().max(4096)).meta({ maxProperties: 64, description })
}

const namesAreAttributes = {
  cel: `self.all(name, name.matches('${NAME}'))`,
  test: (self: Readonly<Record<string, string>>) => Object.keys(self).every(isName),
  message: 'an attribute name is lower-case letters and digits, a letter first',
}

const texts = (description: string) =>
  withRules(attributes(description), namesAreAttributes, {
    cel: "size(self) > 0 && self.all(name, self[name] != '')",
    test: (self) => Object.keys(self).length > 0 && !Object.values(self).includes(''),
    message: 'must name at least one attribute, each with a text',
  })

const inner = z.record(z.string(), z.unknown())
const DIALECTS = ['exact', 'prefix', 'suffix', 'all', 'any', 'not', 'cesql'] as const

/** The first level of a clause, which is what a CRD can say of it. Below, the API and the controller read on. */
const clause = withRules(
  z.object({
    exact: texts('Attributes and the texts they must be.').optional(),
    prefix: texts('Attributes and how they must begin.').optional(),
    suffix: texts('Attributes and how they must end.').optional(),
    all: z.array(inner).min(1).max(256).meta({ description: 'Clauses that must all agree.' }).optional(),
    any: z.array(inner).min(1).max(256).meta({ description: 'Clauses of which one must agree.' }).optional(),
    not: inner.meta({ description: 'A clause that must not agree.' }).optional(),
    cesql: z.string().max(65_536).meta({ description: 'An expression of CloudEvents SQL.' }).optional(),
  }),
  {
    cel: `[${DIALECTS.map((dialect) => `has(self.${dialect})`).join(', ')}].filter(is, is).size() <= 1`,
    test: (self) => DIALECTS.filter((dialect) => self[dialect] !== undefined).length <= 1,
    message: 'has more than one dialect: write a clause for each',
  },
)

const clauses = z.array(clause).max(256)

/** Judged by the reader of filters, which knows every level and CESQL; told to a cluster as far as a schema can. */
export const filters = z
  .unknown()
  .superRefine((value, context) => {
    for (const { message, path, ...issue } of filterFields.filters.safeParse(value).error?.issues ?? []) {
      const params = 'params' in issue ? { params: issue.params } : {}
      context.addIssue({ code: 'custom', message, path: [...path], ...params })
    }
  })
  .meta({
    ...z.toJSONSchema(clauses, { io: 'input', target: 'openapi-3.0' }),
    description: 'Clauses that must all agree; if there are any, filter is not looked at.',
  })

/** Names are judged one by one, so that each problem has its place. */
const namedTexts = mirrored(
  attributes('Attributes and their texts.').superRefine((texts, context) => {
    for (const name of Object.keys(texts).filter((name) => !isName(name)))
      context.addIssue({ code: 'custom', path: [name], message: attributeNameProblem(name), params: { at: 'key' } })
  }),
  { cel: namesAreAttributes.cel, message: namesAreAttributes.message },
)

/** The older form: exact texts, "" for an attribute that is there and not empty. */
export const filter = z
  .object({ attributes: namedTexts.optional() })
  .default({})
  .meta({ description: 'The older form of filters.' })
