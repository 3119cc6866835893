import { describe, expect, test } from 'vitest'
import { PII_DETECTOR } from './pii-detector'
import { askKind } from './testing-ask'

const { ask, redact } = askKind(PII_DETECTOR)

describe('ways in which people write their data', () => {
  test.each([
    // Behind a card and its date, or named by where it stands.
    ['4931 6495 4445 6924 / 03-27 / 771 / zip 60614', '[CREDIT_CARD] / 03-27 / [CVV] / zip 60614'],
    [
      'Amex 3400 979958 36652, four-digit code on the front 4821.',
      'Amex [CREDIT_CARD], four-digit code on the front [CVV].',
    ],
    ['amex 373324013183358 CID 7306', 'amex [CREDIT_CARD] CID [CVV]'],
    ['código de seguridad: 583', 'código de seguridad: [CVV]'],
    ['код безопасности 127', 'код безопасности [CVV]'],
    ['सीवीवी 614', 'सीवीवी [CVV]'],
    // Documents in groups.
    ['паспорт № 72 4410983, выдан', 'паспорт № [PASSPORT], выдан'],
    ['passport AB 1234567', 'passport [PASSPORT]'],
    ['passport no. X4RTBPFW4, German', 'passport no. [PASSPORT], German'],
    ['driver licence 99 999 902', 'driver licence [DRIVING_LICENCE]'],
    ['carta de condução P-1428903 5.', 'carta de condução [DRIVING_LICENCE].'],
    ['Водительское удостоверение 77 14 482093', 'Водительское удостоверение [DRIVING_LICENCE]'],
    // Named in the sentence before.
    ["Subject: PPS number\n\nIt's 1420988I.", "Subject: PPS number\n\nIt's [NATIONAL_ID]."],
    [
      'her Social Insurance Number; she read it out as 130 692 544.',
      'her Social Insurance Number; she read it out as [NATIONAL_ID].',
    ],
    ['meu CPF é 059.557.769.58', 'meu CPF é [NATIONAL_ID]'],
    // Telephone numbers without a word, and with one letter for it.
    ['Fitter\nM 07700 900461\nE', 'Fitter\nM [PHONE]\nE'],
    ['T: (030) 2312 5417', 'T: [PHONE]'],
    ['new Owner("Locke", "+44 7700 900 812")', 'new Owner("Locke", "[PHONE]")'],
    ['A: 0491 570 006', 'A: [PHONE]'],
    ['para o (11) 95555-0148 ou', 'para o [PHONE] ou'],
    ['eller 070-174 06 05', 'eller [PHONE]'],
    ['SSN 536–22–8761', 'SSN [SSN]'],
    ['0161 496 1753 (mobile)', '[PHONE] (mobile)'],
    // Dates of birth.
    ['昭和33年4月12日生まれ', '[DATE_OF_BIRTH]生まれ'],
    ['Ayşe, 13.11.1993 doğumlu', 'Ayşe, [DATE_OF_BIRTH] doğumlu'],
    ['생년월일 1990년 5월 1일', '생년월일 [DATE_OF_BIRTH]'],
    ['जन्म तिथि 15 अगस्त 1957', 'जन्म तिथि [DATE_OF_BIRTH]'],
    ['DOB 12-Mar-1985', 'DOB [DATE_OF_BIRTH]'],
    ['dob: 19850312', 'dob: [DATE_OF_BIRTH]'],
    ['passport c01947265', 'passport [PASSPORT]'],
    ['driving licence MORGA 657054 SM9IJ', 'driving licence [DRIVING_LICENCE]'],
    ['MAC 001A2B3C4D5E', 'MAC [MAC_ADDRESS]'],
  ])('are seen through: %j', (text, wanted) => {
    expect(redact(text)).toBe(wanted)
  })

  test.each([
    'Lottery numbers this week: 04 11 19 27 38 42, bonus 7.',
    'dezenas 07 13 22 35 41',
    'GTIN-13 0012345678905',
    'Standard clause 14.3.2.1 applies; see also annex 4.2.0.1 of the tender.',
    "La version 2.0.14.3 corrige l'export, la 2.0.14.2 est à éviter.",
    'Sürüm 9.1.0.4 hatayı gideriyor, 9.1.0.3 olmadı.',
    'バージョン 1.4.2.10 で直りました。',
    'Edge 10.0.0.0 in the UA string',
    'the network 10.20.0.0/16',
    'remove extraneous code backticks (#457)',
    'since +275760-09-13T00:00:00Z',
    'PubChem CID 2244 is aspirin',
    'growth of +10 000 000 000 in total',
    '4931 6495 4445 6925 / 03-27 / 771', // no card
    'passport photos 2024-11-03',
    'order 19850312 was born of need',
    'the law of 13.11.1993 is old',
    'digest 001a2b3c4d5e of the machine',
    'Her birthday is known. The fair is on 2024-03-05',
  ])('and ordinary numbers stay what they are: %j', (text) => {
    expect(ask(text)).toMatchObject({ verdict: 'allow', redactions: [] })
  })
})

describe('a column of a table', () => {
  const people = (rows: string) => redact(rows)

  test.each([
    [
      'vorname;geburtsdatum;mail\nUlla;07.11.1983;a@example.de\nOle;03.05.1971;b@example.de',
      'vorname;geburtsdatum;mail\nUlla;[DATE_OF_BIRTH];[EMAIL]\nOle;[DATE_OF_BIRTH];[EMAIL]',
    ],
    ['"date_of_birth","name"\n"1995/07/08","Ada"', '"date_of_birth","name"\n"[DATE_OF_BIRTH]","Ada"'],
    ['| Name | Passport |\n|---|---|\n| Ada | 925665416 |', '| Name | Passport |\n|---|---|\n| Ada | [PASSPORT] |'],
    ['name\tphone\nAda\t5550148221\n', 'name\tphone\nAda\t[PHONE]\n'],
  ])('has the name that stands at its head: %j', (text, wanted) => {
    expect(people(text)).toBe(wanted)
  })

  test.each([
    'name;founded\nAcme;07.11.1983',
    'birthday;name\n\nstart;end\n1990-08-27;1991-01-01', // another table
    'The birthday, the fair, the date:\n1990-08-27, 1991-01-01, 1992-01-01',
  ])('says nothing about what stands elsewhere: %j', (text) => {
    expect(ask(text)).toMatchObject({ verdict: 'allow', redactions: [] })
  })

  test('is read once, however many rows it has', () => {
    const rows = Array.from({ length: 20_000 }, () => 'Ada;1990-08-27').join('\n')
    expect(ask(`name;birthday\n${rows}`).detections).toHaveLength(20_000)
  })
})
