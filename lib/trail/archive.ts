import { Inflate, inflateSync, type Zippable, zipSync } from 'fflate'
import { fromUtf8, utf8 } from './encoding'

/** Limits of an archive that is read. */
export const ENTRIES_MAX = 10_000
export const TOTAL_BYTES_MAX = 1_073_741_824
export const RATIO_MAX = 100
const NAME_BYTES_MAX = 1_024

export type ArchiveFile = { name: string; bytes: Uint8Array }
export type ArchiveLimits = { entriesMax?: number; totalBytesMax?: number; ratioMax?: number }

export class ArchiveRefused extends Error {
  override readonly name = 'ArchiveRefused'
}

/**
 * A zip of these files (APPNOTE 6.3): in this order, all of 1980-01-01, neither packed nor with extra fields. The same
 * files are the same bytes, whenever and wherever they are written.
 */
export function writeArchive(files: readonly ArchiveFile[]): Uint8Array {
  const names = new Set<string>()
  for (const { name } of files) {
    if (refusalOfName(name) || names.has(name.toLowerCase()))
      throw new ArchiveRefused(`"${name}" cannot be a file's name.`)
    // An object lists names that look like numbers first.
    if (/^\d+$/.test(name)) throw new ArchiveRefused('A name of digits only has no place of its own.')
    names.add(name.toLowerCase())
  }
  const entries: Zippable = {}
  for (const { name, bytes } of files) entries[name] = [bytes, OPTIONS]
  return zipSync(entries)
}

/**
 * Not packed, because another version of a packer packs differently. Local time, because a zip has no zone. The
 * attributes are those of Unix (3), a plain file.
 */
const OPTIONS = { level: 0, mtime: new Date(1980, 0, 1), os: 3, attrs: 0o100644 << 16 } as const

/**
 * Reads an archive that anybody may have made, without ever believing what it says of itself: names that lead
 * elsewhere, sizes that grow, parts that overlap or that only one of two readers would see are refused.
 *
 * @throws ArchiveRefused that says why
 */
export function readArchive(given: Uint8Array, limits: ArchiveLimits = {}): ArchiveFile[] {
  const { entriesMax = ENTRIES_MAX, totalBytesMax = TOTAL_BYTES_MAX, ratioMax = RATIO_MAX } = limits
  // A Buffer would share its parts where an array copies them.
  const archive = new Uint8Array(given.buffer, given.byteOffset, given.byteLength)
  const view = new DataView(given.buffer, given.byteOffset, given.byteLength)
  const end = readEnd(view)
  if (end.entries > entriesMax) throw new ArchiveRefused(`The archive has more than ${entriesMax} entries.`)
  const entries = readDirectory(archive, view, end)
  const total = entries.reduce((sum, { size }) => sum + size, 0)
  if (total > totalBytesMax) throw new ArchiveRefused(`The archive unpacks to more than ${totalBytesMax} bytes.`)
  if (total > archive.length * ratioMax) throw new ArchiveRefused(`The archive is packed more than ${ratioMax} to 1.`)
  const bad = entries.find(({ size, packed }) => size > Math.max(packed, 1) * ratioMax)
  if (bad) throw new ArchiveRefused(`"${bad.name}" is packed more than ${ratioMax} to 1.`)
  // All that can be refused by looking is refused before anything is unpacked.
  let from = 0
  const located = entries.map((entry) => {
    const data = locate(archive, view, entry, from, end.directory)
    from = data.end
    return { entry, data: archive.subarray(data.start, data.end) }
  })
  if (from !== end.directory) throw new ArchiveRefused('There are bytes that belong to no entry.')
  return located.map(({ entry, data }) => ({ name: entry.name, bytes: unpack(entry, data) }))
}

type Entry = {
  name: string
  nameBytes: Uint8Array
  flags: number
  method: number
  crc: number
  packed: number
  size: number
  at: number
}
type End = { entries: number; directory: number; at: number }

const END_BYTES = 22
const DIRECTORY_BYTES = 46
const LOCAL_BYTES = 30
const MAX_16 = 0xffff
const MAX_32 = 0xffffffff

/** The record at the very end, without a comment: a comment could be another archive. */
function readEnd(view: DataView): End {
  const at = view.byteLength - END_BYTES
  if (at < 0 || view.getUint32(at, true) !== 0x06054b50) {
    throw new ArchiveRefused('This is no zip archive, or something follows its end.')
  }
  const disks = [view.getUint16(at + 4, true), view.getUint16(at + 6, true)]
  const [here, entries] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)]
  const [size, directory] = [view.getUint32(at + 12, true), view.getUint32(at + 16, true)]
  if (disks.some((disk) => disk !== 0) || here !== entries) throw new ArchiveRefused('The archive has several parts.')
  if (entries === MAX_16 || size === MAX_32 || directory === MAX_32) throw new ArchiveRefused('Zip64 is not read here.')
  if (view.getUint16(at + 20, true) !== 0) throw new ArchiveRefused('The archive has a comment.')
  if (directory + size !== at) throw new ArchiveRefused('The directory is not where the archive says.')
  return { entries, directory, at }
}

function readDirectory(archive: Uint8Array, view: DataView, end: End): Entry[] {
  const entries: Entry[] = []
  const names = new Set<string>()
  let at = end.directory
  for (let i = 0; i < end.entries; i++) {
    if (at + DIRECTORY_BYTES > end.at || view.getUint32(at, true) !== 0x02014b50) {
      throw new ArchiveRefused('The directory is damaged.')
    }
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true))
    const next = at + DIRECTORY_BYTES + (nameLength ?? 0)
    if (next > end.at) throw new ArchiveRefused('The directory is damaged.')
    if (extra !== 0 || comment !== 0) throw new ArchiveRefused('An entry has extra fields or a comment.')
    const nameBytes = archive.subarray(at + DIRECTORY_BYTES, next)
    const entry = { ...fieldsAt(view, at), ...nameOf(nameBytes) }
    // Two names that a file system takes for one hide a file behind another.
    const folded = entry.name.normalize('NFC').toLowerCase()
    if (names.has(folded)) throw new ArchiveRefused(`"${entry.name}" occurs twice.`)
    names.add(folded)
    entries.push(entry)
    at = next
  }
  if (at !== end.at) throw new ArchiveRefused('There is more in the directory than the archive says.')
  return entries
}

function fieldsAt(view: DataView, at: number) {
  const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)]
  const [crc, packed, size, offset] = [16, 20, 24, 42].map((field) => view.getUint32(at + field, true)) as [
    number,
    number,
    number,
    number,
  ]
  if ((flags & FLAGS_ENCRYPTED) !== 0) throw new ArchiveRefused('An entry is encrypted.')
  if ((flags & ~FLAGS_KNOWN) !== 0) throw new ArchiveRefused('An entry is packed in a way that is not read here.')
  if (method !== STORED && method !== DEFLATED)
    throw new ArchiveRefused('An entry is packed in a way that is not read here.')
  if (view.getUint16(at + 34, true) !== 0) throw new ArchiveRefused('The archive has several parts.')
  if (packed === MAX_32 || size === MAX_32 || offset === MAX_32) throw new ArchiveRefused('Zip64 is not read here.')
  if (method === STORED && packed !== size) throw new ArchiveRefused('An entry that is not packed has two sizes.')
  checkAttributes(view, at)
  return { flags, method, crc, packed, size, at: offset }
}

const STORED = 0
const DEFLATED = 8
/** Bit 0 and 6: encryption; 13: an encrypted directory. */
const FLAGS_ENCRYPTED = 0x2041
/** Bits 1 and 2 tell how hard was tried, 11 that names are UTF-8. */
const FLAGS_KNOWN = 0x0806

/** A plain file and nothing else: no links, devices or folders. */
function checkAttributes(view: DataView, at: number): void {
  const attributes = view.getUint32(at + 38, true)
  const type = (attributes >>> 16) & 0o170000
  if (type !== 0 && type !== 0o100000) throw new ArchiveRefused('An entry is a link or another special file.')
  // What MS-DOS calls a folder or the name of a disk, and Windows a link.
  if ((attributes & 0x418) !== 0) throw new ArchiveRefused('An entry is a folder or a link.')
}

function nameOf(nameBytes: Uint8Array): { name: string; nameBytes: Uint8Array } {
  const name = fromUtf8(nameBytes)
  const refusal = name === null ? 'is not UTF-8' : refusalOfName(name)
  if (name === null || refusal) throw new ArchiveRefused(`The name of an entry ${refusal}.`)
  return { name, nameBytes }
}

/** Why a name may lead out of the folder that an archive is unpacked to, or mean different files to different readers. */
function refusalOfName(name: string): string | null {
  if (name === '' || utf8(name).length > NAME_BYTES_MAX) return 'is empty or too long'
  if (/[\u0000-\u001f\u007f]/.test(name)) return 'has control characters'
  if (name.includes('\\')) return 'has a backslash'
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name)) return 'is absolute'
  if (name.split('/').some((part) => part === '' || part === '.' || part === '..')) return 'leads elsewhere'
  return null
}

/** Where an entry's bytes are. Entries follow each other without gaps, so that none hides in another. */
function locate(archive: Uint8Array, view: DataView, entry: Entry, from: number, limit: number) {
  const { at } = entry
  if (at !== from || at + LOCAL_BYTES > limit || view.getUint32(at, true) !== 0x04034b50) {
    throw new ArchiveRefused(`"${entry.name}" is not where the directory says.`)
  }
  const [flags, method] = [view.getUint16(at + 6, true), view.getUint16(at + 8, true)]
  const [crc, packed, size] = [14, 18, 22].map((field) => view.getUint32(at + field, true))
  const [nameLength, extra] = [view.getUint16(at + 26, true), view.getUint16(at + 28, true)]
  const start = at + LOCAL_BYTES + entry.nameBytes.length
  const isSame =
    flags === entry.flags &&
    method === entry.method &&
    crc === entry.crc &&
    packed === entry.packed &&
    size === entry.size
  const isSameName =
    nameLength === entry.nameBytes.length && entry.nameBytes.every((byte, i) => archive[at + LOCAL_BYTES + i] === byte)
  if (!isSame || !isSameName || extra !== 0) {
    throw new ArchiveRefused(`"${entry.name}" is described in two ways.`)
  }
  if (start + entry.packed > limit) throw new ArchiveRefused(`"${entry.name}" is longer than the archive.`)
  return { start, end: start + entry.packed }
}

function unpack(entry: Entry, data: Uint8Array): Uint8Array {
  const bytes = entry.method === STORED ? data.slice() : inflate(entry, data)
  if (crc32(bytes) !== entry.crc) throw new ArchiveRefused(`"${entry.name}" is damaged.`)
  return bytes
}

/** Never holds more than the declared size and one step of the inflater. */
function inflate(entry: Entry, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(entry.size)
  let at = 0
  let isDone = false
  const inflater = new Inflate((chunk, isFinal) => {
    if (at + chunk.length > entry.size) throw new ArchiveRefused(`"${entry.name}" is larger than it says.`)
    bytes.set(chunk, at)
    at += chunk.length
    isDone = isFinal
  })
  try {
    for (let from = 0; from < data.length; from += CHUNK_BYTES) {
      const to = Math.min(from + CHUNK_BYTES, data.length)
      inflater.push(data.subarray(from, to), to === data.length)
    }
  } catch (error) {
    if (error instanceof ArchiveRefused) throw error
    throw new ArchiveRefused(`"${entry.name}" is damaged.`, { cause: error })
  }
  if (!isDone || at !== entry.size) throw new ArchiveRefused(`"${entry.name}" is not as large as it says.`)
  if (endsEarly(data, entry.size)) throw new ArchiveRefused(`"${entry.name}" has bytes behind its end.`)
  return bytes
}

/** Whether the last byte is no part of the packed data: it must then unpack without it. */
function endsEarly(data: Uint8Array, size: number): boolean {
  try {
    inflateSync(data.subarray(0, -1), { out: new Uint8Array(size) })
    return true
  } catch {
    // The end is missing, as it should be.
    return false
  }
}

/** A step unpacks to at most about a thousand times as much. */
const CHUNK_BYTES = 4_096

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, i) => {
  let crc = i
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})

function crc32(bytes: Uint8Array): number {
  let crc = MAX_32
  for (const byte of bytes) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] as number)
  return ~crc >>> 0
}
