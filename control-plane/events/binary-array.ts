/**
 * One-dimensional arrays in PostgreSQL's binary format (array_send in src/backend/utils/adt/arrayfuncs.c): number of
 * dimensions, whether there are nulls, type of the elements, their number, 1, and per element its length and bytes; a length
 * of -1 is null. All big-endian. To write it is cheaper than any text on both sides.
 */
type Element<T> = { oid: number; bytesOf: (value: T) => number; write: (into: Buffer, value: T, at: number) => number }

const HEADER_BYTES = 20

function binaryArray<T>({ oid, bytesOf, write }: Element<T>, values: readonly (T | null)[]): Buffer {
  let size = HEADER_BYTES
  for (const value of values) size += 4 + (value === null ? 0 : bytesOf(value))
  const into = Buffer.allocUnsafe(size)
  into.writeInt32BE(1, 0)
  into.writeInt32BE(1, 4)
  into.writeInt32BE(oid, 8)
  into.writeInt32BE(values.length, 12)
  into.writeInt32BE(1, 16)
  let at = HEADER_BYTES
  for (const value of values) {
    const bytes = value === null ? -1 : write(into, value, at + 4)
    into.writeInt32BE(bytes, at)
    at += 4 + Math.max(bytes, 0)
  }
  return into.subarray(0, at)
}

/** `bytesOf` may say more than is written: three times the length is cheaper to know than the exact number. */
const TEXT: Element<string> = {
  oid: 25,
  bytesOf: (text) => (text.length < 256 ? text.length * 3 : Buffer.byteLength(text)),
  write: (into, text, at) => into.write(text, at),
}
const INT4: Element<number> = {
  oid: 23,
  bytesOf: () => 4,
  write: (into, value, at) => into.writeInt32BE(value, at) - at,
}
const INT8: Element<number> = {
  oid: 20,
  bytesOf: () => 8,
  write: (into, value, at) => writeSafeInteger(into, value, at),
}
const BIG: Element<bigint> = {
  oid: 20,
  bytesOf: () => 8,
  write: (into, value, at) => into.writeBigInt64BE(value, at) - at,
}
const FLOAT8: Element<number> = {
  oid: 701,
  bytesOf: () => 8,
  write: (into, value, at) => into.writeDoubleBE(value, at) - at,
}
const BOOL: Element<boolean> = {
  oid: 16,
  bytesOf: () => 1,
  write: (into, value, at) => into.writeUInt8(value ? 1 : 0, at) - at,
}
/** Microseconds since 2000, from milliseconds since 1970. */
const TIMESTAMPTZ: Element<number> = {
  oid: 1184,
  bytesOf: () => 8,
  write: (into, ms, at) => writeSafeInteger(into, (ms - Y2000_MS) * 1_000, at),
}
const Y2000_MS = Date.UTC(2000, 0)

function writeSafeInteger(into: Buffer, value: number, at: number): number {
  const high = Math.floor(value / 2 ** 32)
  into.writeInt32BE(high, at)
  into.writeUInt32BE(value - high * 2 ** 32, at + 4)
  return 8
}

export const texts = (values: readonly (string | null)[]) => binaryArray(TEXT, values)
export const int4s = (values: readonly (number | null)[]) => binaryArray(INT4, values)
/** Safe integers only. */
export const int8s = (values: readonly (number | null)[]) => binaryArray(INT8, values)
export const bigints = (values: readonly (bigint | null)[]) => binaryArray(BIG, values)
export const float8s = (values: readonly (number | null)[]) => binaryArray(FLOAT8, values)
export const booleans = (values: readonly (boolean | null)[]) => binaryArray(BOOL, values)
/** From milliseconds since 1970; exact up to the year 2255. */
export const timestamps = (values: readonly (number | null)[]) => binaryArray(TIMESTAMPTZ, values)
