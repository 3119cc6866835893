import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ArchiveRefused, readArchive, writeArchive } from './archive'
import { utf8 } from './encoding'

const FILES = [
  { name: 'b/one.txt', bytes: utf8('one') },
  { name: 'a.txt', bytes: new Uint8Array(100_000) },
  { name: '\u00e9.txt', bytes: new Uint8Array() },
]

test('files are read as they were written, in their order, and written to the same bytes every time', () => {
  expect(readArchive(writeArchive(FILES))).toEqual(FILES)
  expect(Buffer.compare(writeArchive(FILES), writeArchive(structuredClone(FILES)))).toBe(0)
})

test('another reader finds the same files, of 1980-01-01 and with the rights of plain files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keeptrusts-archive-'))
  try {
    writeFileSync(join(folder, 'a.zip'), writeArchive(FILES))
    const script =
      'import zipfile,json,sys\nz=zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nprint(json.dumps([[i.filename,i.file_size,i.date_time,i.external_attr>>16,len(i.extra)] for i in z.infolist()]))'
    const listed = JSON.parse(
      execFileSync('python3', ['-c', script, join(folder, 'a.zip')], { encoding: 'utf8' }),
    ) as unknown
    const date = [1980, 1, 1, 0, 0, 0]
    expect(listed).toEqual(FILES.map(({ name, bytes }) => [name, bytes.length, date, 0o100644, 0]))
  } finally {
    rmSync(folder, { recursive: true })
  }
})

type Part = {
  name?: string | Uint8Array
  data?: Uint8Array
  pack?: boolean
  packed?: Uint8Array
  size?: number
  crc?: number
  flags?: number
  method?: number
  attributes?: number
  extra?: Uint8Array
  comment?: Uint8Array
  disk?: number
  offset?: number
  local?: Partial<{
    name: string
    size: number
    crc: number
    flags: number
    method: number
    packedSize: number
    extra: Uint8Array
  }>
}
type Whole = {
  entries?: number
  entriesHere?: number
  disk?: number
  size?: number
  offset?: number
  comment?: string
  after?: string
  before?: string
  between?: string
}

const u16 = (...values: number[]) => Buffer.concat(values.map((value) => Buffer.from([value & 255, value >> 8])))
const u32 = (...values: number[]) =>
  Buffer.concat(
    values.map((value) => {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32LE(value >>> 0)
      return bytes
    }),
  )

/** An archive that says what it is told to, true or not. */
function archive(parts: Part[], whole: Whole = {}): Uint8Array {
  let body = Buffer.from(whole.before ?? '')
  const directory = parts.map((part) => {
    const data = part.data ?? utf8('data')
    const name = Buffer.from(part.name ?? 'file.txt')
    const packed = part.packed ?? (part.pack ? deflateRawSync(data) : data)
    const fields = {
      flags: part.flags ?? 0,
      method: part.method ?? (part.pack ? 8 : 0),
      crc: part.crc ?? crc32(data),
      size: part.size ?? data.length,
    }
    const local = {
      name: name as string | Uint8Array,
      extra: new Uint8Array(),
      packedSize: packed.length,
      ...fields,
      ...part.local,
    }
    const localName = Buffer.from(local.name)
    const at = part.offset ?? body.length
    const head = [
      u32(0x04034b50),
      u16(20, local.flags, local.method, 0, 33),
      u32(local.crc, local.packedSize, local.size),
      u16(localName.length, local.extra.length),
    ]
    body = Buffer.concat([body, ...head, localName, local.extra, packed])
    const { extra = new Uint8Array(), comment = new Uint8Array(), disk = 0, attributes = 0 } = part
    const entry = [
      u32(0x02014b50),
      u16(0x0314, 20, fields.flags, fields.method, 0, 33),
      u32(fields.crc, packed.length, fields.size),
    ]
    return Buffer.concat([
      ...entry,
      u16(name.length, extra.length, comment.length, disk, 0),
      u32(attributes, at),
      name,
      extra,
      comment,
    ])
  })
  body = Buffer.concat([body, Buffer.from(whole.between ?? '')])
  const listed = Buffer.concat(directory)
  const { disk = 0, entries = parts.length, comment = '' } = whole
  const end = [
    u32(0x06054b50),
    u16(disk, disk, whole.entriesHere ?? entries, entries),
    u32(whole.size ?? listed.length, whole.offset ?? body.length),
    u16(comment.length),
  ]
  return Buffer.concat([body, listed, ...end, Buffer.from(comment), Buffer.from(whole.after ?? '')])
}

const link = (0o120777 << 16) >>> 0
const folder = (0o040755 << 16) >>> 0
const device = (0o020666 << 16) >>> 0
const bomb = new Uint8Array(1_000_000)
const text = utf8('the same words again and again and again and again')

const HOSTILE: [string, Uint8Array, RegExp][] = [
  ['a path upwards', archive([{ name: '../evil' }]), /leads elsewhere/],
  ['a path upwards in the middle', archive([{ name: 'a/../../evil' }]), /leads elsewhere/],
  ['a path to itself', archive([{ name: './file' }]), /leads elsewhere/],
  ['a part without a name', archive([{ name: 'a//b' }]), /leads elsewhere/],
  ['an absolute path', archive([{ name: '/etc/passwd' }]), /absolute/],
  ['a drive', archive([{ name: 'C:evil' }]), /absolute/],
  ['a backslash', archive([{ name: '..\\evil' }]), /backslash/],
  ['a NUL in a name', archive([{ name: 'a.txt\0.exe' }]), /control/],
  ['a newline in a name', archive([{ name: 'a\nb' }]), /control/],
  ['an empty name', archive([{ name: '' }]), /empty/],
  ['a name of 2,000 bytes', archive([{ name: 'a'.repeat(2_000) }]), /too long/],
  ['a name that is not UTF-8', archive([{ name: Uint8Array.of(0xff, 0xfe) }]), /UTF-8/],
  ['one name twice', archive([{ name: 'a' }, { name: 'a' }]), /twice/],
  ['one name in two cases', archive([{ name: 'a' }, { name: 'A' }]), /twice/],
  ['one name in two forms of Unicode', archive([{ name: '\u00e9' }, { name: 'e\u0301' }]), /twice/],
  ['a symbolic link', archive([{ attributes: link }]), /link/],
  ['a device', archive([{ attributes: device }]), /special/],
  ['a folder by its rights', archive([{ attributes: folder }]), /special/],
  ['a folder by its name', archive([{ name: 'a/' }]), /leads elsewhere/],
  ['a folder by its attributes', archive([{ attributes: 0x10 }]), /folder/],
  ['a link of Windows', archive([{ attributes: 0x400 }]), /link/],
  ['an encrypted entry', archive([{ flags: 1 }]), /encrypted/],
  ['an entry with strong encryption', archive([{ flags: 0x41 }]), /encrypted/],
  ['sizes that come later', archive([{ flags: 8 }]), /not read here/],
  ['another method of packing', archive([{ method: 12 }]), /not read here/],
  ['a bomb', archive([{ data: bomb, pack: true }]), /100 to 1/],
  [
    'many small bombs',
    archive(Array.from({ length: 200 }, (_, i) => ({ name: `f${i}`, data: bomb.subarray(0, 30_000), pack: true }))),
    /100 to 1/,
  ],
  ['a size that hides a bomb', archive([{ data: bomb, pack: true, size: 1_000 }]), /larger than it says/],
  ['a size larger than the data', archive([{ data: text, pack: true, size: 100 }]), /not as large/],
  ['a size of 4 GB', archive([{ size: 0xfffffffe, method: 8, packed: text }]), /more than/],
  ['sizes that differ without packing', archive([{ size: 3 }]), /two sizes/],
  ['overlapping entries', archive([{ name: 'a' }, { name: 'b', offset: 0 }]), /not where/],
  ['an entry beyond the end', archive([{ offset: 5_000 }]), /not where/],
  ['entries out of order', swapped(), /not where/],
  ['a gap before the first entry', archive([{}], { before: 'MZ' }), /not where/],
  ['bytes between entries and directory', archive([{}], { between: 'PK' }), /belong to no entry/],
  ['bytes behind the end', archive([{}], { after: 'x' }), /end/],
  [
    'another archive in the comment',
    archive([{}], { comment: Buffer.from(archive([{ name: 'b' }])).toString('latin1') }),
    /comment|directory/,
  ],
  ['a comment', archive([{}], { comment: 'hello' }), /no zip|end/],
  ['a comment that is none', archive([{}], { size: 9 }), /not where/],
  ['several disks', archive([{}], { disk: 1 }), /several/],
  ['an entry on another disk', archive([{ disk: 1 }]), /several/],
  ['two counts of entries', archive([{}], { entriesHere: 2 }), /several/],
  ['fewer entries than are listed', archive([{ name: 'a' }, { name: 'b' }], { entries: 1 }), /more in the directory/],
  ['more entries than are listed', archive([{}], { entries: 3 }), /damaged/],
  ['too many entries', archive([{}], { entries: 10_001 }), /more than 10000/],
  ['Zip64', archive([{}], { entries: 0xffff }), /more than|Zip64/],
  ['extra fields', archive([{ extra: Uint8Array.of(0x75, 0x70, 1, 0, 65) }]), /extra/],
  ['extra fields of the file only', archive([{ local: { extra: Uint8Array.of(0x75, 0x70, 1, 0, 65) } }]), /two ways/],
  ['a comment of an entry', archive([{ comment: utf8('x') }]), /comment/],
  ['another name at the file', archive([{ local: { name: 'evil.txt' } }]), /two ways/],
  ['another size at the file', archive([{ local: { size: 5 } }]), /two ways/],
  ['another packed size at the file', archive([{ local: { packedSize: 3 } }]), /two ways/],
  ['another method at the file', archive([{ local: { method: 8 } }]), /two ways/],
  ['another checksum at the file', archive([{ local: { crc: 1 } }]), /two ways/],
  ['encryption at the file only', archive([{ local: { flags: 1 } }]), /two ways/],
  ['a wrong checksum', archive([{ crc: 1 }]), /damaged/],
  ['a wrong checksum of packed data', archive([{ data: text, pack: true, crc: 1 }]), /damaged/],
  ['packed data that is none', archive([{ method: 8, packed: Uint8Array.of(0xff, 0xff, 0xff), size: 4 }]), /damaged/],
  [
    'packed data without its end',
    archive([{ data: text, method: 8, packed: deflateRawSync(text).subarray(0, -3) }]),
    /damaged|not as large/,
  ],
  [
    'bytes behind packed data',
    archive([{ data: text, method: 8, packed: Buffer.concat([deflateRawSync(text), Buffer.from('x')]) }]),
    /behind its end|damaged/,
  ],
  [
    'a second stream behind packed data',
    archive([{ data: text, method: 8, packed: Buffer.concat([deflateRawSync(text), deflateRawSync(text)]) }]),
    /behind its end|damaged|larger/,
  ],
  ['nothing', new Uint8Array(), /no zip/],
  ['a zip cut off', archive([{}]).slice(0, -1), /no zip/],
]

/** The directory names the second entry first. */
function swapped(): Uint8Array {
  const one = archive([{ name: 'a' }, { name: 'b' }])
  const bytes = Buffer.from(one)
  const directory = bytes.length - 22 - 2 * 47
  return Buffer.concat([
    bytes.subarray(0, directory),
    bytes.subarray(directory + 47, directory + 94),
    bytes.subarray(directory, directory + 47),
    bytes.subarray(-22),
  ])
}

test('there are more than thirty hostile archives, and harmless ones of the same making are read', () => {
  expect(HOSTILE.length).toBeGreaterThan(30)
  const harmless = archive([
    { name: 'a', attributes: (0o100644 << 16) >>> 0 },
    { name: 'b', data: text, pack: true },
  ])
  expect(readArchive(harmless)).toEqual([
    { name: 'a', bytes: utf8('data') },
    { name: 'b', bytes: text },
  ])
  expect(readArchive(archive([]))).toEqual([])
})

test.each(HOSTILE)('%s is refused', (_, bytes, reason) => {
  const read = () => readArchive(bytes)
  expect(read).toThrow(ArchiveRefused)
  expect(read).toThrow(reason)
})

test('a declared size is what is held in memory, whatever is packed', () => {
  const packed = deflateRawSync(new Uint8Array(100_000_000))
  const lying = archive([{ method: 8, packed, size: 100_000, crc: 0 }])
  const before = process.memoryUsage().arrayBuffers
  expect(() => readArchive(lying)).toThrow(ArchiveRefused)
  // One step of the inflater leaves some 20 MB that are collected later.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000)
})

test('limits can be set lower', () => {
  const bytes = writeArchive(FILES)
  expect(() => readArchive(bytes, { entriesMax: 2 })).toThrow('more than 2 entries')
  expect(() => readArchive(bytes, { totalBytesMax: 100_002 })).toThrow('more than 100002 bytes')
})

test('names that would not be read are not written', () => {
  for (const name of ['', '/a', '../a', 'a\\b', 'a/', 'C:a', '17']) {
    expect(() => writeArchive([{ name, bytes: new Uint8Array() }])).toThrow(ArchiveRefused)
  }
  expect(() => writeArchive([FILES[0], FILES[0]].flatMap((file) => file ?? []))).toThrow(ArchiveRefused)
})

test('any bytes are read or refused, and no bit can be flipped in a file without being noticed', () => {
  const whole = writeArchive(FILES.slice(0, 1))
  fc.assert(
    fc.property(fc.nat(whole.length * 8 - 1), (bit) => {
      const bytes = Uint8Array.from(whole)
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      try {
        // What tells nothing of the file may differ: version, time, attributes.
        expect(readArchive(bytes)).toEqual(FILES.slice(0, 1))
      } catch (error) {
        expect(error).toBeInstanceOf(ArchiveRefused)
      }
    }),
    { numRuns: 1_000 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(() => readArchive(bytes)).toThrow(ArchiveRefused)
    }),
  )
})
