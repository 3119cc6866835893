import type { z } from 'zod'
import { GatewayEvent } from '@/lib/contract/events'
import type { PreparedLine } from './line'
import { type Checks, checksOf } from './schema-checks'

/** Writes the canonical text of a value that its schema takes as it is; false for every other one. */
type Writer = (value: unknown) => boolean
/** `start` is its name with a comma before it. */
type Member = { name: string; start: Buffer; write: Writer; isOptional: boolean }

/** Where lines are written, one after another, up to `at`. Lines that are done are parts of it. */
let into = Buffer.allocUnsafe(0)
let at = 0
/** Where the line that is being written begins. */
let lineAt = 0
const INTO_BYTES = 1_048_576

/** Has the lines of some work written to this memory, as far as it reaches, and to no other work's. */
export function withLinesIn<T>(memory: Buffer<ArrayBuffer>, work: () => T): T {
  const before = { into, at }
  into = memory
  at = 0
  try {
    return work()
  } finally {
    into = before.into
    at = before.at
  }
}

/** How many names of objects were written, and whether a string needed an escape, since this was last reset. */
let written = 0
let isPlain = true

/**
 * Checks an event and writes its canonical line in one walk. Nearly every event is one that its schema takes without a
 * change, and finding that out with the schema and writing it after that costs several times as much. The writers are made
 * from the schema, so that there is one contract; plain-event.test.ts holds both together. They write bytes: texts that are
 * joined from hundreds of pieces would have to be copied again.
 *
 * @param names how many names the event's text has: more than were written say that one is unknown or given twice
 * @returns null for an event that only the schema can judge
 */
export function plainLine(given: unknown, names: number, orgId: string): PreparedLine | null {
  if (typeof given !== 'object' || given === null) return null
  written = 0
  isPlain = true
  lineAt = at
  const line = writeLine(given, orgId)
  if (line !== null && written === names) return line
  at = lineAt
  return null
}

function writeLine(given: object, orgId: string): PreparedLine | null {
  writeAscii('{')
  if (!writeMembers(given, BEFORE_ORG_ID)) return null
  writeAscii(`,"org_id":${JSON.stringify(orgId)},`)
  if (!writeMembers(given, BEFORE_RECORDED_AT)) return null
  writeAscii(',"recorded_at":"')
  const recordedAt = at - lineAt
  writeAscii('",')
  if (!writeMembers(given, BEFORE_SEQ)) return null
  writeAscii(',"seq":')
  const seq = at - lineAt
  writeAscii(',')
  if (!writeMembers(given, AFTER_SEQ)) return null
  writeAscii('}')
  return { bytes: into.subarray(lineAt, at), recordedAt, seq, isPlain }
}

/** Whether all of them are as their schemas want them; they are written then. */
function writeMembers(object: object, members: readonly Member[]): boolean {
  let first = 1
  for (const { name, start, write, isOptional } of members) {
    const value = (object as Record<string, unknown>)[name]
    if (isOptional && value === undefined) continue
    writeFrom(start, first)
    first = 0
    if (!write(value)) return false
    written += 1
  }
  return true
}

/** Lines that are done stay where they are; the one that is being written moves to where there is room for all of it. */
function makeRoom(bytes: number): void {
  if (at + bytes <= into.length) return
  const wider = Buffer.allocUnsafe(Math.max(INTO_BYTES, (at - lineAt + bytes) * 2))
  into.copy(wider, 0, lineAt, at)
  at -= lineAt
  lineAt = 0
  into = wider
}

/** These are short: to call into the runtime for each would cost more than to write it. */
function writeFrom(bytes: Buffer, first: number): true {
  const { length } = bytes
  makeRoom(length)
  const to = into
  let place = at
  for (let index = first; index < length; index++) to[place++] = bytes[index] as number
  at = place
  return true
}

function writeAscii(text: string): true {
  const { length } = text
  makeRoom(length)
  const to = into
  let place = at
  for (let index = 0; index < length; index++) to[place++] = text.charCodeAt(index)
  at = place
  return true
}

function writeByte(byte: number): true {
  makeRoom(1)
  into[at++] = byte
  return true
}

function writeString(value: string): true {
  const { length } = value
  makeRoom(length + 2)
  const to = into
  let place = at
  to[place++] = QUOTE
  for (let index = 0; index < length; index++) {
    const code = value.charCodeAt(index)
    // Anything that JSON has to escape, or that is more than one byte in UTF-8.
    if (code < 0x20 || code > 0x7e || code === QUOTE || code === BACKSLASH) return writeAnyString(value)
    to[place++] = code
  }
  to[place++] = QUOTE
  at = place
  return true
}

function writeAnyString(value: string): true {
  const json = JSON.stringify(value)
  makeRoom(json.length * 3)
  at += into.write(json, at)
  isPlain &&= !json.includes('\\')
  return true
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** @throws Error for a schema that nothing here is known about, when this module is loaded */
function writerOf(schema: z.core.$ZodType): Writer {
  const { def } = (schema as z.core.$ZodTypes)._zod
  switch (def.type) {
    case 'object':
      return objectWriter(def)
    case 'array':
      return arrayWriter(writerOf(def.element), checksOf(def))
    case 'string':
      return textWriter(checksOf(def))
    case 'number':
      return numberWriter(checksOf(def))
    case 'boolean':
      return (value) => typeof value === 'boolean' && writeAscii(value ? 'true' : 'false')
    case 'enum':
      return oneOf(Object.values(def.entries))
    case 'literal':
      return oneOf(def.values)
    case 'nullable': {
      const write = writerOf(def.innerType)
      return (value) => (value === null ? writeAscii('null') : write(value))
    }
    case 'default':
    case 'optional':
      return writerOf(def.innerType)
    default:
      throw new Error(`Nothing is known here about a schema of type ${def.type}.`)
  }
}

function objectWriter({ shape, catchall }: z.core.$ZodObjectDef): Writer {
  if (catchall?._zod.def.type !== 'never') throw new Error('Only strict objects are known here.')
  const members = membersOf(shape)
  return (value) =>
    typeof value === 'object' && value !== null && writeByte(0x7b) && writeMembers(value, members) && writeByte(0x7d)
}

const membersOf = (shape: z.core.$ZodShape): Member[] =>
  Object.entries(shape)
    .map(([name, schema]) => ({
      name,
      start: Buffer.from(`,${JSON.stringify(name)}:`),
      write: writerOf(schema),
      isOptional: (schema as z.core.$ZodTypes)._zod.def.type === 'optional',
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))

const arrayWriter =
  (write: Writer, { max }: Checks): Writer =>
  (value) => {
    if (!Array.isArray(value) || value.length > max) return false
    writeByte(0x5b)
    for (let index = 0; index < value.length; index++) {
      if (index > 0) writeByte(0x2c)
      if (!write(value[index])) return false
    }
    return writeByte(0x5d)
  }

const textWriter =
  ({ min, max, patterns }: Checks): Writer =>
  (value) => {
    if (typeof value !== 'string' || value.length < min || value.length > max) return false
    for (const pattern of patterns) if (!pattern.test(value)) return false
    return writeString(value)
  }

const numberWriter =
  ({ min, max, isInteger }: Checks): Writer =>
  (value) => {
    if (typeof value !== 'number' || !Number.isFinite(value) || value < min || value > max) return false
    // As JSON.stringify does, which has no -0.
    return (!isInteger || Number.isSafeInteger(value)) && writeAscii(String(value))
  }

function oneOf(values: readonly unknown[]): Writer {
  const texts = new Map(values.map((value) => [value, JSON.stringify(value)]))
  return (value) => {
    const text = texts.get(value)
    return text !== undefined && writeAscii(text)
  }
}

const MEMBERS = membersOf(GatewayEvent.shape)
const BEFORE_ORG_ID = MEMBERS.filter(({ name }) => name < 'org_id')
const BEFORE_RECORDED_AT = MEMBERS.filter(({ name }) => name > 'org_id' && name < 'recorded_at')
const BEFORE_SEQ = MEMBERS.filter(({ name }) => name > 'recorded_at' && name < 'seq')
const AFTER_SEQ = MEMBERS.filter(({ name }) => name > 'seq')
