// Makes one folder of an app that needs nothing but Node: `node tools/bundle.mjs apps/<name> [folder]`, by default the
// app's dist/. What the code names by `new URL('…', import.meta.url)` comes along: a source (a worker thread's) as a
// bundle of its own, a folder as it is.
import { cpSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { build } from 'esbuild'

const [project, outdir = join(project, 'dist')] = process.argv.slice(2)
const named = /new URL\('([^']+)', import\.meta\.url\)/g
/** Bundles to make, by name; the app itself and what its files name. */
const entries = new Map([['main', resolve(project, 'src/main.ts')]])
const folders = new Map()

/** What the file will be called next to the bundle; two of a name would overwrite each other. */
function take(path) {
  const isSource = path.endsWith('.ts')
  const name = basename(path, '.ts')
  const taken = isSource ? entries : folders
  if ((taken.get(name) ?? path) !== path) {
    console.error(`${path} and ${taken.get(name)} would both become ${name} in ${outdir}`)
    process.exit(1)
  }
  taken.set(name, path)
  return isSource ? `./${name}.mjs` : `./${name}`
}

const neighbours = {
  name: 'neighbours',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace(
        named,
        (_, target) => `new URL('${take(join(dirname(path), target))}', import.meta.url)`,
      ),
      loader: 'ts',
    }))
  },
}

/** The client of Kafka reads WebAssembly from beside its source; the same package has it as text. */
const wasm = {
  name: 'wasm',
  setup({ onResolve, resolve: find }) {
    onResolve({ filter: /^@platformatic\/wasm-utils$/ }, ({ path, resolveDir, kind }) =>
      find(`${path}/bundled`, { resolveDir, kind }),
    )
  },
}

const bundle = (name, entry) =>
  build({
    entryPoints: { [name]: entry },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    sourcemap: 'linked',
    legalComments: 'external',
    // CommonJS dependencies inside an ES module still ask for these
    banner: {
      js: "import{createRequire as __cr}from'node:module';import{dirname as __dn}from'node:path';const require=__cr(import.meta.url),__filename=import.meta.filename,__dirname=__dn(__filename);",
    },
    plugins: [neighbours, wasm],
    metafile: true,
  })

rmSync(join(project, 'dist'), { recursive: true, force: true })
// A map takes what is found while it is walked
for (const [name, entry] of entries) {
  const { metafile } = await bundle(name, entry)
  for (const [file, { bytes }] of Object.entries(metafile.outputs))
    if (file.endsWith('.mjs')) console.log(`${file} ${(bytes / 1024).toFixed(0)} kB`)
}
for (const [name, folder] of folders) cpSync(folder, join(outdir, name), { recursive: true })
