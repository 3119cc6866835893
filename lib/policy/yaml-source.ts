import {
  type Alias,
  Composer,
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  visit,
} from 'yaml'
import { CONFIGURATION_BYTES_MAX, type Diagnostic } from '@/lib/contract/configurations'

const YAML_DEPTH_MAX = 64
const YAML_ALIASES_MAX = 10
/** Keeps reading under a second: no real file of 1 MiB comes near it. */
const LEXEMES_MAX = 300_000

/** What a diagnostic says, apart from where. */
type Finding = Pick<Diagnostic, 'severity' | 'code' | 'message'> & { suggestion?: string | null }
export type Path = readonly PropertyKey[]

const FORBIDDEN_KEYS = ['__proto__', 'constructor', 'prototype']

/**
 * Reads one YAML 1.2 document (core schema) into plain data, and keeps what is needed to say where a finding is.
 *
 * Refused with code E006: more than 1 MiB, NUL, broken Unicode, more than 64 levels, more than 10 aliases, a key twice,
 * several documents, directives, tags beyond the core schema, and the keys `__proto__`, `constructor` and `prototype`.
 */
export function readYaml(text: string): YamlSource {
  return new YamlSource(text)
}

class YamlSource {
  /** undefined when the text could not be read; then `diagnostics` says why. */
  readonly value: unknown
  readonly diagnostics: Diagnostic[] = []
  readonly #lines = new LineCounter()
  readonly #document: Document | undefined

  constructor(text: string) {
    const unreadable = reasonUnreadable(text)
    if (unreadable) {
      this.#report([0, 0], '', { severity: 'error', code: 'E006', message: unreadable })
      return
    }
    const document = this.#compose(text)
    if (!document || this.diagnostics.length > 0) return
    this.#document = document
    this.#checkNodes(document)
    if (this.diagnostics.length > 0) return
    try {
      this.value = document.toJS({ maxAliasCount: YAML_ALIASES_MAX })
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown)
      this.#report([0, 0], '', { severity: 'error', code: 'E006', message })
    }
  }

  /** The position of the value at `path`, or of its nearest ancestor when it is not there. */
  locate(path: Path, finding: Finding): Diagnostic {
    return this.#diagnostic(this.#rangeOf(this.#nodeAt(path)), pathText(path), finding)
  }

  /** The position of a key rather than its value. */
  locateKey(path: Path, finding: Finding): Diagnostic {
    const parent = this.#nodeAt(path.slice(0, -1))
    const name = String(path.at(-1))
    const pair = isMap(parent)
      ? parent.items.find((item) => isScalar(item.key) && String(item.key.value) === name)
      : null
    return this.#diagnostic(this.#rangeOf(isNode(pair?.key) ? pair.key : parent), pathText(path), finding)
  }

  #compose(text: string): Document | null {
    const composer = new Composer({
      version: '1.2',
      schema: 'core',
      merge: false,
      strict: true,
      uniqueKeys: false, // the library compares every key with every other; checkNodes does it in one pass
      prettyErrors: false,
      logLevel: 'silent',
    })
    const parser = new Parser(this.#lines.addNewLine)
    this.#lines.addNewLine(0)
    const documents: Document[] = []
    // Token by token, so that deep nesting is refused before the parser spends seconds on it.
    let lexemes = 0
    for (const lexeme of new Lexer().lex(text)) {
      lexemes += 1
      for (const token of parser.next(lexeme)) {
        if (token.type === 'directive') return this.#refuse(token.offset, 'Directives such as %YAML are not supported.')
        documents.push(...composer.next(token))
      }
      if (lexemes > LEXEMES_MAX) return this.#refuse(parser.offset, 'The file holds too many values.')
      if (parser.stack.length > YAML_DEPTH_MAX + 2) {
        return this.#refuse(parser.offset, `The file is nested more than ${YAML_DEPTH_MAX} levels deep.`)
      }
    }
    for (const token of parser.end()) documents.push(...composer.next(token))
    documents.push(...composer.end(true, text.length))
    const [document, second] = documents
    for (const problem of [...(document?.errors ?? []), ...(document?.warnings ?? [])]) {
      this.#report(problem.pos, '', { severity: 'error', code: 'E006', message: sentence(problem.message) })
    }
    if (second) {
      const message = 'The file holds more than one document.'
      this.#report(this.#rangeOf(second.contents), '', { severity: 'error', code: 'E006', message })
    }
    return document ?? null
  }

  #refuse(offset: number, message: string): null {
    this.#report([offset, offset], '', { severity: 'error', code: 'E006', message })
    return null
  }

  #checkNodes(document: Document): void {
    let aliases = 0
    visit(document, {
      Map: (_, map) => {
        const seen = new Set<unknown>()
        for (const { key } of map.items) {
          const name = isScalar(key) ? key.value : key
          if (seen.has(name) && isNode(key)) this.#unreadable(key, `The key "${String(name)}" is there twice.`)
          seen.add(name)
        }
      },
      Alias: (_, alias) => {
        aliases += 1
        if (aliases === YAML_ALIASES_MAX + 1) this.#unreadable(alias, `More than ${YAML_ALIASES_MAX} aliases.`)
      },
      Pair: (_, pair) => {
        const key = isNode(pair.key) ? pair.key : null
        if (!isScalar(key) || typeof key.value !== 'string') {
          this.#unreadable(key, 'A key must be text; put it in quotes.')
        } else if (FORBIDDEN_KEYS.includes(key.value)) {
          this.#unreadable(key, `The key "${key.value}" is not allowed.`)
        }
      },
    })
  }

  #unreadable(node: Node | null, message: string): void {
    this.#report(this.#rangeOf(node), '', { severity: 'error', code: 'E006', message })
  }

  #report(range: readonly [number, number], path: string, finding: Finding): void {
    if (this.diagnostics.length < 100) this.diagnostics.push(this.#diagnostic(range, path, finding))
  }

  #diagnostic([from, to]: readonly [number, number], path: string, finding: Finding): Diagnostic {
    const start = this.#lines.linePos(from)
    const end = this.#lines.linePos(Math.max(from, to))
    return {
      severity: finding.severity,
      code: finding.code,
      path,
      line: Math.max(1, start.line),
      column: Math.max(1, start.col),
      end_line: Math.max(1, end.line),
      end_column: Math.max(1, end.col),
      message: finding.message,
      suggestion: finding.suggestion ?? null,
    }
  }

  #nodeAt(path: Path): Node | null {
    let node: Node | null = this.#resolve(this.#document?.contents)
    for (const step of path) {
      const next: unknown = isMap(node)
        ? node.items.find((pair) => isPair(pair) && isScalar(pair.key) && String(pair.key.value) === String(step))
            ?.value
        : isSeq(node)
          ? node.items[Number(step)]
          : undefined
      const resolved = this.#resolve(next)
      if (!resolved) return node
      node = resolved
    }
    return node
  }

  #resolve(node: unknown): Node | null {
    if (isAlias(node)) return (this.#document && (node as Alias).resolve(this.#document)) ?? null
    return isNode(node) ? node : null
  }

  #rangeOf(node: Node | null | undefined): readonly [number, number] {
    return node?.range ? [node.range[0], node.range[1]] : [0, 0]
  }
}

function reasonUnreadable(text: string): string | null {
  if (text.length > CONFIGURATION_BYTES_MAX || new TextEncoder().encode(text).length > CONFIGURATION_BYTES_MAX) {
    return 'The file is larger than 1 MiB.'
  }
  if (text.includes('\u0000')) return 'The file contains a NUL character.'
  if (!text.isWellFormed()) return 'The file is not well-formed Unicode.'
  return null
}

/** `providers.targets[0].id`: the form in which people write a place in a file. */
const pathText = (path: Path): string =>
  path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    return text ? `${text}.${String(step)}` : String(step)
  }, '')

const sentence = (message: string) => (/[.!?]$/.test(message) ? message : `${message}.`)
