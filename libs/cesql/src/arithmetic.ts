import type { OperatorOf } from './expression.ts'
import type { Run } from './run.ts'

/** 32-bit arithmetic: what does not fit, or divides by zero, is a `math` error and 0. Division cuts towards zero. */
export function compute(left: number, operator: OperatorOf['sum' | 'product'], right: number, run: Run): number {
  const result = exact(left, operator, right)
  const whole = result | 0
  // NaN and infinities, too, differ from their 32 bits
  return result === whole ? whole : run.fail('math', 0)
}

function exact(left: number, operator: OperatorOf['sum' | 'product'], right: number): number {
  switch (operator) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return Math.trunc(left / right)
    case '%':
      return left % right
  }
}

export function compare(left: number, operator: '<' | '<=' | '>' | '>=', right: number): boolean {
  switch (operator) {
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '>':
      return left > right
    case '>=':
      return left >= right
  }
}
