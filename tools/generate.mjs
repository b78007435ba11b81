// Writes what is made from code: docs/path.md, docs/reference/conformance.md, CRDs, policies, OpenAPI documents and the tables between `generated` marks. With --check it only compares.
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { conformancePage } from './generate/conformance.mjs'
import { pathPage } from './generate/path.mjs'
import { appEnvironmentTable, driverTable, environmentTable } from './generate/tables.mjs'

const root = join(import.meta.dirname, '..')
const listing = (path) => `\`\`\`ts\n${readFileSync(join(root, path), 'utf8')}\`\`\`\n`
const isCheck = process.argv.includes('--check')
const stale = []

function write(file, text) {
  const path = join(root, file)
  mkdirSync(dirname(path), { recursive: true })
  if (readFileSync(path, { encoding: 'utf8', flag: 'a+' }) === text) return
  if (isCheck) stale.push(file)
  else writeFileSync(path, text)
}

/** Replaces what stands between `<!-- generated: name -->` and `<!-- /generated -->`. */
function fill(file, name, table) {
  const text = readFileSync(join(root, file), 'utf8')
  const marks = new RegExp(`(<!-- generated: ${name} -->\n)[^]*?(<!-- /generated -->)`)
  if (!marks.test(text)) stale.push(`${file} (it has no mark for ${name})`)
  write(
    file,
    text.replace(marks, (_, open, close) => `${open}${table}${close}`),
  )
}

write('docs/path.md', pathPage(root))
write('docs/reference/conformance.md', conformancePage(root))
const { API_KINDS, generatedFiles } = await import(join(root, 'libs/resources/src/api/index.ts'))
const fromKinds = generatedFiles(API_KINDS)
for (const [file, text] of fromKinds) write(file, text)
// of a kind that is gone
const made = ['deploy/kubernetes/{crds,policies}/*.yaml', 'libs/resources/generated/openapi/*.json']
for (const file of globSync(made, { cwd: root }).filter((file) => !fromKinds.has(file))) {
  if (isCheck) stale.push(file)
  else rmSync(join(root, file))
}
fill('docs/reference/configuration.md', 'environment', await environmentTable(root))
for (const file of globSync('apps/*/README.md', { cwd: root }))
  fill(file, 'environment', await appEnvironmentTable(root, file.split('/')[1]))
fill('docs/guides/testing.md', 'example', listing('libs/testkit/test/example.test.ts'))
fill('docs/guides/write-a-source.md', 'source', listing('libs/sources/runtime/test/feed-source.ts'))
const drivers = await driverTable(root)
for (const page of ['README.md', 'docs/guides/choosing-a-channel.md']) fill(page, 'drivers', drivers)

if (stale.length > 0) {
  console.error(`Not current, run \`npm run generate\`: ${stale.join(', ')}`)
  process.exitCode = 1
}
