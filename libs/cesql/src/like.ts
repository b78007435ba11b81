import { widthAt } from './characters.ts'
import type { Run } from './run.ts'

/** Matches a whole text against a pattern. A pattern with many `%` looks at the text more than once, which is counted. */
export type Matcher = (text: string, run: Run) => boolean

const ANY_CHARACTER = -1
const ANY_RUN = -2

/**
 * `%` is any run of characters, `_` one character, both literal behind a backslash; any other backslash is literal.
 * The usual forms, with one `%` or none, need no search.
 */
export function matcherOf(pattern: string): Matcher {
  const tokens = tokensOf(pattern)
  const runs = tokens.filter((token) => token === ANY_RUN).length
  if (runs > 1 || tokens.includes(ANY_CHARACTER)) return searching(Int32Array.from(tokens))
  const cut = runs === 1 ? tokens.indexOf(ANY_RUN) : tokens.length
  const prefix = textOf(tokens.slice(0, cut))
  if (runs === 0) return (text) => text === prefix
  const suffix = textOf(tokens.slice(cut + 1))
  const least = prefix.length + suffix.length
  return (text) => text.length >= least && text.startsWith(prefix) && text.endsWith(suffix)
}

function tokensOf(pattern: string): number[] {
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

function textOf(tokens: readonly number[]): string {
  return tokens.map((token) => String.fromCharCode(token)).join('')
}

/** Goes back to the last `%` only, never further: the shortest run that let the part before match serves as well. */
function searching(tokens: Int32Array): Matcher {
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
