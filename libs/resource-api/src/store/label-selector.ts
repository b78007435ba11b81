import { badRequest } from './refusals.ts'

export type Matches<T> = (subject: T) => boolean
type Labels = Readonly<Record<string, unknown>>

const NAME = '[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?'
const KEY = new RegExp(`^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?${NAME}$`)
const VALUE = new RegExp(`^(${NAME})?$`)
const IN = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/
const COMPARED = /^([^=!<>]+)(==|=|!=|>|<)([^=!<>]*)$/

/** `app=a,tier in (x,y),!old`. Throws BadRequest. Source: Kubernetes, apimachinery pkg/labels. */
export function labelSelector(text: string): Matches<Labels> {
  const requirements = split(text).map((each) => requirement(each, text))
  return (labels) => requirements.every((holds) => holds(labels))
}

/** At commas outside parentheses. */
function split(text: string): readonly string[] {
  if (text.trim() === '') return []
  const parts: string[] = []
  let [start, depth] = [0, 0]
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++
    else if (text[i] === ')') depth--
    else if (text[i] === ',' && depth === 0) {
      parts.push(text.slice(start, i).trim())
      start = i + 1
    }
  }
  return [...parts, text.slice(start).trim()]
}

function requirement(each: string, whole: string): Matches<Labels> {
  const inSet = IN.exec(each)
  if (inSet !== null) {
    const [, key = '', operator, list = ''] = inSet
    const values = new Set(list.split(',').map((value) => checked(VALUE, value.trim(), whole)))
    checked(KEY, key, whole)
    const isIn = operator === 'in'
    return (labels) => (Object.hasOwn(labels, key) ? values.has(labels[key] as string) === isIn : !isIn)
  }
  const compared = COMPARED.exec(each)
  if (compared !== null) {
    const [, key = '', operator = '', value = ''] = compared
    return comparison(checked(KEY, key.trim(), whole), operator, checked(VALUE, value.trim(), whole), whole)
  }
  const isAbsent = each.startsWith('!')
  const key = checked(KEY, isAbsent ? each.slice(1).trim() : each, whole)
  return (labels) => Object.hasOwn(labels, key) !== isAbsent
}

function comparison(key: string, operator: string, value: string, whole: string): Matches<Labels> {
  if (operator === '!=') return (labels) => !Object.hasOwn(labels, key) || labels[key] !== value
  if (operator !== '>' && operator !== '<') return (labels) => Object.hasOwn(labels, key) && labels[key] === value
  const bound = Number(checked(/^-?\d+$/, value, whole))
  const isMore = operator === '>'
  return (labels) => {
    if (!Object.hasOwn(labels, key) || !/^-?\d+$/.test(String(labels[key]))) return false
    const number = Number(labels[key])
    return isMore ? number > bound : number < bound
  }
}

function checked(pattern: RegExp, text: string, whole: string): string {
  if (pattern.test(text)) return text
  throw badRequest(
    `unable to parse requirement: ${JSON.stringify(text)} in the label selector ${JSON.stringify(whole)} is neither a key nor a value of a label`,
  )
}
