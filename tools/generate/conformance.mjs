// docs/reference/conformance.md: each case with its verdict and the tests whose titles name it.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Of these every case has a test, or a reason why there is none yet. */
export const GROUPS = ['ING', 'DLV', 'RSP', 'RPL', 'RTY', 'DLS', 'FLT', 'BRK', 'TRG', 'CHN', 'SUB', 'SRC']

const ID = /\b[A-Z]{3}-\d\d\b/g
/** A string literal that begins with ids. */
const TITLE = /(['"`])((?:[A-Z]{3}-\d\d[,: ]+)+(?:(?!\1)[^\n])*)\1/g

const rowsOf = (root, file) =>
  readFileSync(join(root, 'tests/conformance', file), 'utf8')
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))

export const casesOf = (root) =>
  rowsOf(root, 'cases.tsv').map(([id, level, origin, text]) => ({ id, level, origin, text }))

export const decisionsOf = (root) =>
  new Map(rowsOf(root, 'decisions.tsv').map(([id, verdict, reason]) => [id, { verdict, reason }]))

/** By id: where a title names it. */
export function titlesOf(root) {
  const titles = new Map()
  const files = globSync('{libs,apps,tests}/**/*.test.ts', { cwd: root, exclude: ['**/node_modules', '**/fixtures'] })
  for (const file of files.toSorted()) {
    for (const [, , title] of readFileSync(join(root, file), 'utf8').matchAll(TITLE)) {
      for (const [id] of title.matchAll(ID)) {
        titles.set(id, [...(titles.get(id) ?? []), { file, title: sayingOf(title) }])
      }
    }
  }
  return titles
}

/** The title without its ids. */
const sayingOf = (title) => title.replace(/^(?:[A-Z]{3}-\d\d[,: ]+)+/, '').trim()

export function verdictOf({ id }, decisions, titles) {
  return decisions.get(id)?.verdict ?? (titles.has(id) ? 'met' : 'open')
}

export function conformancePage(root) {
  const [cases, decisions, titles] = [casesOf(root), decisionsOf(root), titlesOf(root)]
  const judged = cases.map((each) => ({ ...each, verdict: verdictOf(each, decisions, titles) }))
  const count = (verdict) => judged.filter((each) => each.verdict === verdict).length
  const row = ({ id, level, origin, text, verdict }) =>
    `| ${id} | ${level} | ${origin} | ${text.replaceAll('|', '\\|')} | ${verdict} | ${testsOf(titles.get(id))} |`
  const differing = [...decisions].filter(([, { verdict }]) => verdict === 'differs')
  return `# Conformance

${cases.length} cases of Knative Eventing, collected from its specification and its tests: ${count('met')} met, ${count('differs')} decided
differently, ${count('open')} open. Generated from [the cases](../../tests/conformance/cases.tsv), the
[decisions](../../tests/conformance/decisions.tsv) and the titles of tests, which name the ids.

_Level_ is what Knative states. _Origin_ is where: DP and CP its data plane and control plane specifications, TP its test plan, RB RC RT
RN RK RP RA RS RO its end-to-end tests (broker, channel, trigger, trigger filters, conformance, PingSource, ApiServerSource,
flows, authentication), CO its older conformance suite, UI UF UD UC UE UV its unit tests (ingress, filter, dispatcher,
channel, event filters, validation), EX experimental features, EG and EK its GitHub source and Kafka broker.

## Decided differently

| id | why |
| --- | --- |
${differing.map(([id, { reason }]) => `| ${id} | ${reason} |`).join('\n')}

## The cases

| id | level | origin | case | verdict | test |
| --- | --- | --- | --- | --- | --- |
${judged.map(row).join('\n')}
`
}

/** The first one; more are counted. */
function testsOf(found) {
  if (found === undefined) return ''
  const [first, ...more] = found
  const { file, title } = first
  const said = title.replaceAll('|', '\\|').replaceAll('`', "'")
  const link = `[${file.split('/').at(-1)}](../../${file}): ${said}`
  return more.length === 0 ? link : `${link}; ${more.length} more`
}
