// docs/path.md: the files an event passes, found by following the imports from each role's first function.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** Where each leg begins: the function that takes the event there. */
const LEGS = [
  ['Ingress: a request becomes a stored event', 'libs/ingress/src/receive.ts'],
  ['Filter: a stored event becomes a copy per match', 'libs/filter/src/log-filter.ts'],
  ['One-write path: a copy goes to its consumer, or into the store', 'libs/channel/src/one-write/one-write.ts'],
  ['Dispatcher: a copy is delivered, retried, dead-lettered or parked', 'libs/dispatch/src/dispatch.ts'],
]

export function pathPage(root) {
  const lines = [
    '# The path of an event',
    '',
    'Made by `npm run generate`, by following the imports inside each package; indented files are imported by the one above.',
    'Between the legs lies the channel port, [`libs/channel/src/port.ts`](../libs/channel/src/port.ts): no file below knows a broker client.',
    'In short: [receive](../libs/ingress/src/receive.ts) → [keep](../libs/ingress/src/keep.ts) → *log* →',
    '[judge](../libs/filter/src/judge.ts) → *queue* → [dispatch](../libs/dispatch/src/dispatch.ts) → [deliver](../libs/dispatch/src/deliver.ts).',
  ]
  for (const [title, start] of LEGS) {
    lines.push('', `## ${title}`, '')
    walk(root, start, 0, new Set(), lines)
  }
  return `${lines.join('\n')}\n`
}

function walk(root, file, depth, seen, lines) {
  seen.add(file)
  const text = readFileSync(join(root, file), 'utf8')
  lines.push(`${'  '.repeat(depth)}* [${relative('libs', file)}](../${file})${summaryOf(text)}`)
  for (const imported of importsOf(root, file, text))
    if (!seen.has(imported)) walk(root, imported, depth + 1, seen, lines)
}

/** Values only: a type is not a step. */
function importsOf(root, file, text) {
  return [...text.matchAll(/^import (?!type )[^']*'(\.[^']+)'/gm)]
    .map(([, target]) => join(dirname(file), target))
    .filter((target) => existsSync(join(root, target)))
}

/** The first sentence of the docstring of the first exported function or class. */
function summaryOf(text) {
  const match = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export (?:async )?(?:function|class)/.exec(text)
  if (match === null) return ''
  const comment = match[1].replace(/\s*\n\s*\*?\s*/g, ' ').trim()
  const sentence = comment.split(/(?<=\.)\s/)[0]
  return sentence.length > 160 ? '' : `: ${sentence}`
}
