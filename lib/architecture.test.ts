import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { expect, test } from 'vitest'

/** Who may import whom. A folder may always import itself. This table is the architecture; change it on purpose. */
const MAY_IMPORT: Record<string, string[]> = {
  app: ['components', 'lib'],
  components: ['lib'],
  'control-plane': ['drizzle', 'lib'],
  gateway: ['lib'],
  cli: ['gateway', 'lib'],
  server: ['app', 'cli', 'components', 'control-plane', 'drizzle', 'gateway', 'lib'],
  lib: [],
  // Columns take their closed lists of values from the contract.
  drizzle: ['lib'],
}

/** Doors inside a folder that not everybody who may import the folder may use. */
const DOORS: { target: RegExp; is: string; openTo: RegExp }[] = [
  { target: /^lib\/server\//, is: 'the server side of the pages', openTo: /^(app|lib\/server)\// },
  {
    target: /^drizzle\//,
    is: 'the tables',
    openTo:
      /^(drizzle\/|server\/|control-plane\/(.+\/)?(queries|commands)\.ts$|control-plane\/(tenant|database|testing)\.ts$|control-plane\/(auth|audit|push)\/)/,
  },
]

/** Packages that make a module unfit for some place: a database in the gateway, a web framework in what browsers load. */
const PACKAGES: { folder: string; except?: RegExp; never: RegExp; because: string }[] = [
  {
    folder: 'gateway',
    never: /^(pg|postgres|drizzle-orm|next|react|hono)(\/|$)/,
    because: 'the gateway opens no database and renders nothing',
  },
  { folder: 'cli', never: /^(pg|postgres|drizzle-orm|next|react)(\/|$)/, because: 'kt is a client' },
  { folder: 'control-plane', never: /^(next|react)(\/|$)/, because: 'the control plane is hosted, it does not host' },
  {
    folder: 'lib',
    except: /^lib\/server\//,
    never: /^(pg|postgres|drizzle-orm|next|react|hono|undici|pino)(\/|$)/,
    because: 'lib is shared by all',
  },
  { folder: 'components', never: /^(pg|postgres|drizzle-orm|node:)/, because: 'browsers load it' },
]

const ROOT = join(import.meta.dirname, '..')
const FOLDERS = Object.keys(MAY_IMPORT)

test('the table is about folders that exist and have sources', () => {
  const empty = ['control-plane', 'gateway', 'cli', 'server', 'lib', 'drizzle'].filter(
    (folder) => sourcesIn(folder).length === 0,
  )
  expect(empty).toEqual([])
})

test.each(FOLDERS)('%s imports only what it may', (folder) => {
  const allowed = MAY_IMPORT[folder] ?? []
  const offences = sourcesIn(folder).flatMap((file) =>
    importsOf(file)
      .filter((path) => FOLDERS.includes(topOf(path)) && topOf(path) !== folder && !allowed.includes(topOf(path)))
      .map((path) => `${file} -> ${path}`),
  )
  expect(offences).toEqual([])
})

test.each(DOORS)('$is: only those who may reach it do', ({ target, openTo }) => {
  const offences = FOLDERS.flatMap(sourcesIn)
    .filter((file) => !openTo.test(file))
    .flatMap((file) =>
      importsOf(file)
        .filter((path) => target.test(path))
        .map((path) => `${file} -> ${path}`),
    )
  expect(offences).toEqual([])
})

test.each(PACKAGES)('$folder stays free of what does not belong there: $because', ({ folder, except, never }) => {
  const offences = sourcesIn(folder)
    .filter((file) => !except?.test(file))
    .flatMap((file) =>
      importsOf(file)
        .filter((path) => never.test(path))
        .map((path) => `${file} -> ${path}`),
    )
  expect(offences).toEqual([])
})

test('every module of lib/server can only be loaded on the server', () => {
  const open = sourcesIn('lib/server').filter((file) => !importsOf(file).includes('server-only'))
  expect(open).toEqual([])
})

/** What these read was written by this process, by the control plane for its gateway, or is a text alone. */
const OWN_JSON = [
  'control-plane/cursor.ts',
  'control-plane/events/rollups.ts',
  'control-plane/exports/formats/skimmer.ts',
  'control-plane/push.ts',
  'gateway/data-directory.ts',
  'gateway/fake-control-plane.ts',
  'gateway/mcp/mcp-failure.ts',
  'gateway/push-stream.ts',
  'gateway/spool-cursor.ts',
  'gateway/surfaces/chat-completions.ts',
  'gateway/surfaces/responses.ts',
  'gateway/surfaces/without-chat.ts',
  'lib/client.ts',
  'lib/parse-json.ts',
  'lib/policy/engine/json-splice.ts',
  'lib/policy/kinds/detectors/secret-names.ts',
]

test('what strangers write is read by parseJson, since JSON.parse mistakes names', () => {
  const readers = ['gateway', 'control-plane', 'lib']
    .flatMap(sourcesIn)
    .filter((file) => /\bJSON\.parse\(/.test(readFileSync(join(ROOT, file), 'utf8')))
  expect(readers.filter((file) => !/test/.test(file)).toSorted()).toEqual(OWN_JSON)
})

/** The .ts and .tsx files below a folder, as repository paths. Tests may look behind any curtain. */
function sourcesIn(folder: string): string[] {
  const entries = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !/\.test\.tsx?$/.test(entry.name))
    .map((entry) => posix.join(folder, entry.parentPath.slice(join(ROOT, folder).length), entry.name))
}

/** What a file imports: repository paths for our own modules, names for packages. */
function importsOf(file: string): string[] {
  const source = readFileSync(join(ROOT, file), 'utf8')
  const specifiers = [
    ...source.matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^'"\n]*?(?:\n[^'"]*?)?from\s*'([^']+)'|\bimport\s*\(?\s*'([^']+)'/g,
    ),
  ]
  return specifiers.flatMap((match) => {
    const specifier = match[1] ?? match[2]
    if (!specifier) return []
    if (specifier.startsWith('@/')) return `${specifier.slice(2)}${extensionOf(specifier.slice(2))}`
    if (!specifier.startsWith('.')) return specifier
    const path = posix.join(dirname(file), specifier)
    return `${path}${extensionOf(path)}`
  })
}

const extensionOf = (path: string) => (/\.[a-z]+$/.test(path) ? '' : '.ts')
const topOf = (path: string) => path.split('/')[0] ?? ''
