/** What an expression and an attribute can be. Numbers are whole and fit 32 bits with a sign. */
export type Value = string | number | boolean

/** Why an evaluation went wrong, in the words of the specification; `generic` is what it names no word for. */
export type EvaluationError =
  | 'parse'
  | 'math'
  | 'cast'
  | 'missingFunction'
  | 'functionEvaluation'
  | 'missingAttribute'
  | 'generic'

export interface Evaluation {
  readonly value: Value
  /** The first error, in the order of evaluation. */
  readonly error: EvaluationError | null
}

/** Where a node stands in its text: offsets in UTF-16 code units, `end` behind the last. Brackets around it are outside. */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface Literal extends Span {
  readonly kind: 'literal'
  readonly value: Value
}

/** An attribute's value, or `EXISTS` of it. Names are in lower case. */
export interface Attribute extends Span {
  readonly kind: 'attribute' | 'exists'
  readonly name: string
}

export interface Unary extends Span {
  readonly kind: 'not' | 'negate'
  readonly operand: Expression
}

export interface Like extends Span {
  readonly kind: 'like'
  readonly operand: Expression
  readonly negated: boolean
  readonly pattern: string
}

export interface In extends Span {
  readonly kind: 'in'
  readonly operand: Expression
  readonly negated: boolean
  /** At least one. */
  readonly set: readonly Expression[]
}

/** Names are in upper case. A function that does not exist is found out when it is evaluated. */
export interface Call extends Span {
  readonly kind: 'call'
  readonly name: string
  readonly operands: readonly Expression[]
}

/**
 * Operators of one rank in a row: `operands` has one more than `operators`. `logic` groups to the right, the others to
 * the left, so that a chain of any length is one node.
 */
export interface Chain<Kind extends ChainKind = ChainKind> extends Span {
  readonly kind: Kind
  readonly operands: readonly Expression[]
  readonly operators: readonly OperatorOf[Kind][]
}

export interface OperatorOf {
  logic: 'AND' | 'OR' | 'XOR'
  comparison: '=' | '!=' | '<>' | '<' | '<=' | '>' | '>='
  sum: '+' | '-'
  product: '*' | '/' | '%'
}
export type ChainKind = keyof OperatorOf

/** A parsed expression: plain frozen-by-type data, nested at most 128 levels deep when it comes from `parse`. */
export type Expression =
  | Literal
  | Attribute
  | Unary
  | Like
  | In
  | Call
  | Chain<'logic'>
  | Chain<'comparison'>
  | Chain<'sum'>
  | Chain<'product'>

/** The expressions directly inside another, in the order they are evaluated. */
export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'literal':
    case 'attribute':
    case 'exists':
      return []
    case 'not':
    case 'negate':
    case 'like':
      return [expression.operand]
    case 'in':
      return [expression.operand, ...expression.set]
    default:
      return expression.operands
  }
}
