// One self-contained ES module per app: what a container image needs is this folder and Node.
import { build } from 'esbuild'

const [project] = process.argv.slice(2)
const result = await build({
  entryPoints: { main: `${project}/src/main.ts` },
  outdir: `${project}/dist`,
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
  metafile: true,
})
console.log(
  Object.entries(result.metafile.outputs)
    .filter(([f]) => f.endsWith('.mjs'))
    .map(([f, o]) => `${f} ${(o.bytes / 1024).toFixed(0)} kB`)
    .join('\n'),
)
