import { widthAt } from './characters.ts'
import type { Run } from './run.ts'

/** Matches a whole text against a pattern. What may look at the text more than once is counted. */
export type Matcher = (text: string, run: Run) => boolean

const ANY_CHARACTER = -1
const ANY_RUN = -2
/** Up to here `indexOf` is used, which is fast but takes 16 s for the worst pattern of 60 KiB in a text of 1 MiB. */
const SHORT_TEXT = 256

/**
 * `%` is any run of characters, `_` one character, both literal behind a backslash; any other backslash is literal.
 * No pattern becomes a regular expression.
 */
export function matcherOf(pattern: string): Matcher {
  const tokens = tokensOf(pattern)
  if (tokens.includes(ANY_CHARACTER)) return searching(tokens)
  const [first, ...rest] = piecesOf(tokens) as [string, ...string[]]
  const last = rest.pop()
  if (last === undefined) return (text) => text === first
  const least = first.length + last.length
  const hasEnds: Matcher = (text) => text.length >= least && text.startsWith(first) && text.endsWith(last)
  if (rest.length === 0) return hasEnds
  const longer = searching(tokens)
  return (text, run) =>
    hasEnds(text, run) &&
    (text.length > SHORT_TEXT ? longer(text, run) : holds(text, rest, first.length, text.length - last.length))
}

function tokensOf(pattern: string): readonly number[] {
  const tokens: number[] = []
  for (let at = 0; at < pattern.length; at++) {
    const one = pattern[at]
    const next = pattern[at + 1]
    if (one === '\\' && (next === '%' || next === '_')) tokens.push(pattern.charCodeAt(++at))
    else if (one === '_') tokens.push(ANY_CHARACTER)
    else if (one !== '%') tokens.push(pattern.charCodeAt(at))
    else if (tokens.at(-1) !== ANY_RUN) tokens.push(ANY_RUN)
  }
  return tokens
}

/** The literal texts between the runs: one more than there are runs. */
function piecesOf(tokens: readonly number[]): string[] {
  const pieces = ['']
  for (const token of tokens) {
    if (token === ANY_RUN) pieces.push('')
    else pieces.push(`${pieces.pop()}${String.fromCharCode(token)}`)
  }
  return pieces
}

function holds(text: string, pieces: readonly string[], start: number, end: number): boolean {
  let at = start
  for (const piece of pieces) {
    const found = text.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return at <= end
}

/** Goes back to the last `%` only, never further: the shortest run that let the part before match serves as well. */
function searching(pattern: readonly number[]): Matcher {
  const tokens = Int32Array.from(pattern)
  return (text, run) => {
    const most = run.left
    let steps = 0
    let at = 0
    let place = 0
    let runPlace = -1
    let runEnd = 0
    while (at < text.length) {
      if (++steps > most) return run.spend(steps)
      const token = tokens[place]
      if (token === text.charCodeAt(at)) {
        at += 1
        place += 1
      } else if (token === ANY_CHARACTER) {
        at += widthAt(text, at)
        place += 1
      } else if (token === ANY_RUN) {
        runPlace = place++
        runEnd = at
      } else if (runPlace >= 0) {
        runEnd += widthAt(text, runEnd)
        at = runEnd
        place = runPlace + 1
      } else break
    }
    if (!run.spend(steps) || at < text.length) return false
    if (tokens[place] === ANY_RUN) place += 1
    return place === tokens.length
  }
}
