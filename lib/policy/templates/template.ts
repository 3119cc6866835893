import type { z } from 'zod'
import type { TestCase } from '../config/suite'

/** What `kt init` writes: a configuration and tests that show what it does. */
export type Template = {
  name: string
  /** One sentence. */
  summary: string
  yaml: string
  /** One file each, named after its test. */
  tests: readonly z.input<typeof TestCase>[]
}

/** Every template begins so: editors complete and check the file by the schema that the console serves. */
export const SCHEMA_LINE = '# yaml-language-server: $schema=http://localhost:3000/schema/policy-config.json\n'

/** A chat of one message, for tests. */
export const ask = (content: string) => ({ messages: [{ role: 'user', content }] })
