import { compile } from '../src/index.ts'

/**
 * What 1,000 compiled expressions of three comparisons cost one event: `node libs/cesql/test/bench.ts`. Each line is one
 * shape of expression; the median and the 95th percentile of 500 events, after 300 to warm up.
 */
const SHAPES: Readonly<Record<string, (n: number) => string>> = {
  'first of AND decides': (n) => `type = 'com.example.${n}' AND source LIKE '/shop/${n}/%' AND amount > ${n}`,
  'equal, LIKE, greater': (n) => `type != 'com.example.${n}' AND source LIKE '/shop/%' AND amount > ${(n % 40) - 50}`,
  'three texts': (n) => `type = 'com.example.${n}' OR subject = 'order ${n}' OR customer = 'c-${n}'`,
  'three casts': (n) => `hops < -${n} OR weight = ${n + 100} OR hops >= weight`,
  'three patterns': (n) => `source LIKE '%/${n}/%' OR subject LIKE '%x${n}%y%' OR type LIKE 'com._x%.${n}.%'`,
  'three sets': (n) => `type IN ('a${n}', 'b', 'c') OR subject IN ('a', 'b${n}') OR amount IN (1, 2, ${n + 1_000})`,
  'three functions': (n) => `LENGTH(subject) > 99 OR LOWER(type) = 'x${n}' OR SUBSTRING(source, 1, 5) = 'y${n}'`,
}
const EXPRESSIONS = 1_000
const EVENT = new Map<string, string | number>([
  ['specversion', '1.0'],
  ['id', 'e-4711'],
  ['source', '/shop/checkout/7'],
  ['type', 'com.example.order.paid'],
  ['subject', 'order 4711'],
  ['time', '2026-11-25T08:00:00.120Z'],
  ['datacontenttype', 'application/json'],
  ['customer', 'c-0'],
  ['amount', 42],
  ['weight', '10'],
  ['hops', '3'],
])

for (const [name, shape] of Object.entries(SHAPES)) {
  const predicates = Array.from({ length: EXPRESSIONS }, (_, n) => compile(shape(n)))
  const times: number[] = []
  for (let event = 0; event < 800; event++) {
    const start = performance.now()
    for (const predicate of predicates) predicate(EVENT)
    if (event >= 300) times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  const [median, late] = [0.5, 0.95].map((part) => Math.round((times[Math.floor(times.length * part)] ?? 0) * 1_000))
  process.stdout.write(`${name.padEnd(22)} ${median} µs, p95 ${late} µs\n`)
}
