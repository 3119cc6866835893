import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatCheckpoint, openCheckpoint, parseCheckpoint, readCheckpoint } from './checkpoint'
import { toBase64, utf8 } from './encoding'
import {
  COSIGNATURE_V1,
  composeNote,
  cosignature,
  cosignedText,
  formatNoteKey,
  NOTE_BYTES_MAX,
  NOTE_SIGNATURES_MAX,
  type NoteKey,
  NoteRefused,
  noteKey,
  openNote,
  parseNote,
  parseNoteKey,
  signatureLine,
} from './note'
import { portable } from './primitives'
import { native, testKey } from './testing'

const keyOf = (text: string): NoteKey => {
  const key = parseNoteKey(text)
  if (!key) throw new Error(`${text} is no key`)
  return key
}

/** The example of C2SP signed-note. */
const EXAMPLE_KEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'
const EXAMPLE =
  'This is an example message.\n\n\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n'
/** The example of golang.org/x/mod/sumdb/note. */
const GO_KEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const GO_NOTE =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"

test.each([
  ['C2SP signed-note', EXAMPLE_KEY, EXAMPLE],
  ['golang.org/x/mod/sumdb/note', GO_KEY, GO_NOTE],
])('the example of %s verifies, and no other text does', (_, vkey, note) => {
  const key = keyOf(vkey)
  expect(formatNoteKey(key)).toBe(vkey)
  for (const primitives of [portable, native]) {
    expect(openNote(note, [key], primitives).verified).toEqual([{ key, time: null }])
    expect(() => openNote(note.replace('is', 'iz'), [key], primitives)).toThrow(NoteRefused)
  }
})

test('our notes are byte for byte those that golang.org/x/mod/sumdb/note signs with the same key', () => {
  const { note } = JSON.parse(readFileSync(join(import.meta.dirname, 'vectors/tlog.json'), 'utf8')) as {
    note: { verifier: string; text: string; signed: string }
  }
  // The seed of the vectors is the SHA-256 of this text, as is that of every test key.
  const signer = testKey('trail vectors')
  const key = noteKey(keyOf(note.verifier).name, signer.raw)
  expect(formatNoteKey(key)).toBe(note.verifier)
  expect(composeNote(note.text, [signatureLine(key, signer.sign(utf8(note.text)))])).toBe(note.signed)
  expect(openCheckpoint(note.signed, key.name, [key])).toMatchObject({ origin: key.name, size: 600, extensions: [] })
})

test('the cosignature of C2SP tlog-cosignature is made and read, with the time at which it was made', () => {
  const witness = testKey('witness')
  const key = noteKey('witness.example.com/w1', witness.raw, COSIGNATURE_V1)
  const text = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n'
  expect(cosignedText(text, 1_679_315_147)).toBe(`cosignature/v1\ntime 1679315147\n${text}`)
  const bytes = cosignature(1_679_315_147, witness.sign(utf8(cosignedText(text, 1_679_315_147))))
  const note = composeNote(text, [signatureLine(key, bytes)])
  expect(openNote(note, [keyOf(formatNoteKey(key))]).verified).toEqual([{ key, time: 1_679_315_147 }])
  const later = composeNote(text, [signatureLine(key, cosignature(1_679_315_148, bytes.subarray(8)))])
  expect(() => openNote(later, [key])).toThrow('not valid')
  // The same key under a note's own type is another key.
  expect(() => openNote(note, [noteKey(key.name, witness.raw)])).toThrow('No known key')
})

const [a, b, c] = ['a', 'b', 'c'].map(testKey) as [
  ReturnType<typeof testKey>,
  ReturnType<typeof testKey>,
  ReturnType<typeof testKey>,
]
const [keyA, keyB, keyC] = [noteKey('a', a.raw), noteKey('b', b.raw), noteKey('c', c.raw)]
const TEXT = 'a text\n\nof two parts\n'
const [lineA, lineB] = [signatureLine(keyA, a.sign(utf8(TEXT))), signatureLine(keyB, b.sign(utf8(TEXT)))]

test('unknown keys are ignored, also when they share a name or an id; a known key that fails refuses the note', () => {
  const note = composeNote(TEXT, [lineA, lineB, lineA])
  expect(openNote(note, [keyB, keyC]).verified.map(({ key }) => key)).toEqual([keyB])
  expect(openNote(note, [keyA, keyB]).verified.map(({ key }) => key)).toEqual([keyA, keyB])
  expect(openNote(note, [keyB, { ...keyC, name: 'a' }]).verified.map(({ key }) => key)).toEqual([keyB])
  expect(() => openNote(note, [keyC])).toThrow('No known key')
  expect(() => openNote(note, [])).toThrow('No known key')
  const forged = signatureLine(keyA, b.sign(utf8(TEXT)))
  expect(() => openNote(composeNote(TEXT, [lineB, forged]), [keyA, keyB])).toThrow('not valid')
  expect(openNote(composeNote(TEXT, [lineB, forged]), [keyB]).text).toBe(TEXT)
})

test('sixteen signatures and more are read; beyond the limits a note is refused before it is looked at', () => {
  const others = Array.from(
    { length: NOTE_SIGNATURES_MAX - 1 },
    (_, i) => `\u2014 k${i} ${toBase64(new Uint8Array(4_900 / 4))}\n`,
  )
  expect(openNote(composeNote(TEXT, [...others.slice(0, 15), lineA]), [keyA]).verified).toHaveLength(1)
  expect(() => parseNote(`${TEXT}\n${others.join('')}${lineA}${lineB}`)).toThrow('too many')
  expect(() => parseNote(`${'x'.repeat(NOTE_BYTES_MAX)}\n\n${lineA}`)).toThrow('too long')
})

test.each([
  ['no signatures', TEXT],
  ['no end', `${TEXT}\n${lineA.slice(0, -1)}`],
  ['text behind', `${TEXT}\n${lineA}more\n`],
  ['a hyphen', `${TEXT}\n${lineA.replace('\u2014', '-')}`],
  [
    'a second form of base64',
    `${TEXT}\n${lineA.replace(/.=?=\n$/, (end) => `${end[0] === 'B' ? 'C' : 'B'}${end.slice(1)}`)}`,
  ],
  ['a control character', `x\u0007${TEXT}\n${lineA}`],
  ['a carriage return', `x\r\n${TEXT}\n${lineA}`],
  ['a lone surrogate', `\ud800${TEXT}\n${lineA}`],
  ['no name', `${TEXT}\n\u2014  ${toBase64(new Uint8Array(68))}\n`],
  ['a plus in a name', `${TEXT}\n\u2014 a+b ${toBase64(new Uint8Array(68))}\n`],
  ['a key id and nothing else', `${TEXT}\n\u2014 a ${toBase64(new Uint8Array(4))}\n`],
  ['nothing', ''],
])('a note with %s is none', (_, note) => {
  expect(() => openNote(note, [keyA])).toThrow(NoteRefused)
})

test.each([
  EXAMPLE_KEY.replace('530d903a', '530d903b'),
  EXAMPLE_KEY.replace('530d903a', '530D903A'),
  EXAMPLE_KEY.replace('+Ae', '+Ak'),
  EXAMPLE_KEY.slice(0, -1),
  EXAMPLE_KEY.slice(EXAMPLE_KEY.indexOf('+')),
  `a b${EXAMPLE_KEY}`,
])('%s is no key', (text) => {
  expect(parseNoteKey(text)).toBeNull()
})

test('a checkpoint reads as it was written', () => {
  fc.assert(
    fc.property(
      fc.maxSafeNat(),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.array(fc.constantFrom('x', 'a b')),
      (size, root, extensions) => {
        expect(parseCheckpoint(formatCheckpoint({ origin: 'o', size, root, extensions }))).toEqual({
          origin: 'o',
          size,
          root,
          extensions,
        })
      },
    ),
  )
})

const ROOT = toBase64(new Uint8Array(32))

test.each([
  ['a leading zero', `o\n01\n${ROOT}\n`],
  ['a sign', `o\n+1\n${ROOT}\n`],
  ['an exponent', `o\n1e3\n${ROOT}\n`],
  ['a size beyond 2^53-1', `o\n9007199254740992\n${ROOT}\n`],
  ['no origin', `\n1\n${ROOT}\n`],
  ['a short root', `o\n1\n${toBase64(new Uint8Array(31))}\n`],
  ['an empty line', `o\n1\n${ROOT}\n\n`],
  ['no end', `o\n1\n${ROOT}`],
  ['two lines', 'o\n1\n'],
])('a checkpoint with %s is none', (_, text) => {
  expect(parseCheckpoint(text)).toBeNull()
})

test('a checkpoint of another log, or what is none, is refused whoever signed it', () => {
  const sign = (text: string) => composeNote(text, [signatureLine(keyA, a.sign(utf8(text)))])
  expect(openCheckpoint(sign(`o\n0\n${ROOT}\n`), 'o', [keyA]).size).toBe(0)
  expect(() => openCheckpoint(sign(`o\n0\n${ROOT}\n`), 'p', [keyA])).toThrow('of o, not of p')
  expect(() => openCheckpoint(sign('o\n'), 'o', [keyA])).toThrow('no checkpoint')
  expect(() => readCheckpoint(sign('o\n'))).toThrow('no checkpoint')
})
