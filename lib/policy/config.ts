import type { Diagnostic } from '@/lib/contract/configurations'
import { explainIssue } from './config/explain-issue'
import { meaningOf } from './config/meaning'
import { patternTooMany } from './config/pattern-weight'
import { PolicyConfig } from './config/schema'
import { unavailableIn } from './config/unavailable'
import { type Path, readYaml } from './yaml-source'

/**
 * Checks a policy-config.yaml.
 *
 * Codes: E001 unknown policy kind · E002 unknown key · E003 a policy in a chain without the settings it needs ·
 * E004 a reference that leads nowhere · E005 duplicate id · E006 the file cannot be read · E007 a key is missing ·
 * E008 a value of the wrong type or form · E009 not available in this release · E010 keys that exclude each other · E011 an
 * address in a private network that is not allowed ·
 * W001 nothing to send requests to · W002 a secret or a request would travel in the open · W003 settings of a policy
 * that is in no chain.
 *
 * @returns `config` is null exactly when there is an error; warnings leave it usable
 */
export function lintPolicyConfig(yaml: string): { config: PolicyConfig | null; diagnostics: Diagnostic[] } {
  const source = readYaml(yaml)
  if (source.diagnostics.length > 0) return { config: null, diagnostics: source.diagnostics }
  // Before any is compiled: a small file can ask for minutes of work.
  const heavy = patternTooMany(fieldOf(source.value, 'policy'))
  if (heavy) {
    const message = 'The regular expressions of this file are too large together: repeat less, or use fewer.'
    return { config: null, diagnostics: [source.locate(heavy, { severity: 'error', code: 'E008', message })] }
  }
  const unavailable = unavailableIn(source.value)
  const parsed = PolicyConfig.safeParse(source.value)
  const diagnostics = parsed.success
    ? meaningOf(parsed.data, source)
    : parsed.error.issues
        // What cannot be used at all needs no advice on how to write it.
        .filter((issue) => !unavailable.some(({ path }) => isWithin(issue, path)))
        .flatMap((issue) => explainIssue(issue, PolicyConfig, source))
  for (const { path, message, suggestion } of unavailable) {
    diagnostics.push(source.locateKey(path, { severity: 'error', code: 'E009', message, suggestion }))
  }
  const invalid = diagnostics.some((diagnostic) => diagnostic.severity === 'error')
  diagnostics.sort((a, b) => a.line - b.line || a.column - b.column)
  return { config: parsed.success && !invalid ? parsed.data : null, diagnostics }
}

const fieldOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined

/** Whether an issue is about the key at `path`, about something inside of it, or about that it replaces another. */
function isWithin(issue: { code?: string; path: PropertyKey[]; keys?: string[] }, path: Path): boolean {
  const starts = (whole: Path, part: Path) => part.every((step, at) => String(whole[at]) === String(step))
  if (starts(issue.path, path)) return true
  if (issue.code === 'unrecognized_keys') {
    return (issue.keys ?? []).every((key) => starts([...issue.path, key], path))
  }
  return path.at(-1) === 'store' && starts(issue.path, path.slice(0, -1))
}
