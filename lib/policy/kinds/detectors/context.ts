/** How far before a value its name may stand. */
export const CONTEXT_UNITS = 40

/**
 * What stands before a value and may say what it is: at most 40 characters of the same sentence, in lower case.
 *
 * Cut at sentence ends, so that "Her birthday is known. Due on 2024-03-05" does not name the second date.
 */
export function contextBefore(text: string, start: number): string {
  const from = Math.max(0, start - CONTEXT_UNITS)
  const before = text.slice(from, start).toLowerCase()
  let cut = 0
  for (const match of before.matchAll(SENTENCE_END)) cut = match.index + match[0].length
  return before.slice(cut)
}

const SENTENCE_END = /[.!?] (?=\p{Lu}|[a-z]{3})|[;。！？\n]/gu

// Words of one class in many languages. Each is tried only on the few characters before a candidate.
const NOT_IN_WORD = '(?<![\\p{L}\\p{N}])'

const words = (...sources: string[]) => new RegExp(`${NOT_IN_WORD}(?:${sources.join('|')})`, 'u')
const anywhere = (...sources: string[]) => sources.join('|')

const either = (latin: readonly string[], other: readonly string[]) =>
  new RegExp(`${words(...latin).source}|${anywhere(...other)}`, 'u')

export const PHONE_WORDS = either(
  [
    'phone',
    'telephone',
    'tel\\b',
    'mobile',
    'cell',
    'call',
    'ring',
    'fax',
    'whatsapp',
    'sms',
    'dial',
    'text me',
    'reach',
    'handy',
    'telefon',
    'rufnummer',
    'rufen',
    'tél',
    'portable',
    'appel',
    'móvil',
    'movil',
    'llám',
    'llam',
    'celular',
    'cellulare',
    'chiama',
    'bel me',
    'mobiel',
    'komórk',
    'zadzwoń',
    'telemóvel',
    'ligue',
    'phone_number',
    'phonenumber',
    'contact number',
    'my number',
  ],
  ['телефон', 'звон', 'моб', '电话', '手机', '致电', '電話', '携帯', '전화', 'phone'],
)

export const SSN_WORDS = either(
  ['ssn', 'social security', 'social-security', 'soc sec', 'seguro social', 'tax id', 'tin\\b'],
  ['ssn', '社会保障'],
)

export const BIRTH_WORDS = either(
  [
    'dob',
    'd\\.o\\.b',
    'born',
    'birth',
    'birthday',
    'birthdate',
    'date_of_birth',
    'geboren',
    'geburt',
    'geb\\.',
    'né',
    'née',
    'naissance',
    'nacimiento',
    'nacid[oa]',
    'nació',
    'nascita',
    'nat[oa] il',
    'nascimento',
    'nascid[oa]',
    'nasceu',
    'geboorte',
    'urodzeni',
    'urodzon',
    'ur\\.',
    'fødselsdato',
    'född',
  ],
  ['ofbirth', 'birthdate', 'рождения', 'родил', 'родился', '生年月日', '出生', '生日', '생년월일'],
)

export const PASSPORT_WORDS = either(
  ['passport', 'reisepass', 'passeport', 'pasaporte', 'passaporto', 'passaporte', 'paspoort', 'paszport'],
  ['паспорт', '护照', 'パスポート', '旅券', 'passport'],
)

export const LICENCE_WORDS = either(
  [
    "driver'?s? licen[cs]e",
    'driver’s licen[cs]e',
    'driving licen[cs]e',
    'drivers_licen[cs]e',
    'dl number',
    'führerschein',
    'permis de conduire',
    'licencia de conducir',
    'permiso de conducir',
    'patente di guida',
    'carteira de motorista',
    'rijbewijs',
    'prawo jazdy',
  ],
  ['водительск', '驾驶证', '運転免許', 'driverlicen', 'driverslicen'],
)

export const CVV_WORDS = either(
  [
    'cvv2?',
    'cvc2?',
    'cvn',
    'csc',
    'card security code',
    'card verification',
    'security code',
    'prüfziffer',
    'cryptogramme',
  ],
  ['cvv', 'cvc', '安全码', 'セキュリティコード'],
)

export const STEUER_WORDS = words('steuer', 'idnr', 'id-nr', 'tax id', 'tin\\b')
export const AADHAAR_WORDS = either(['aadhaar', 'aadhar', 'adhaar', 'uidai', 'uid\\b'], ['आधार'])
export const PESEL_WORDS = words('pesel')
export const BSN_WORDS = words('bsn', 'burgerservice', 'sofi')
export const CPF_WORDS = words('cpf', 'cadastro de pessoa')

export const NHS_WORDS = words('nhs')
export const SIN_WORDS = words(
  'social insurance',
  'assurance sociale',
  'sin(?: |-)?(?:number|num|no\\b|#|:|is\\b)',
  'canadian sin\\b',
  'nas\\b',
)
/** Right before the number: in Spanish the word is a common one. */
export const SIN_ALONE = /(?<![\p{L}\p{N}])sin[ :#=]{1,3}$/u
export const PERSONNUMMER_WORDS = words(
  'person(?:al)?(?: |-)?(?:nummer|nr\\b|number|identity)',
  'pnr\\b',
  'samordningsn',
  'födelsenummer',
  'swedish (?:id|personal|national)',
)
export const CARD_WORDS = either(
  [
    'card',
    'visa',
    'master',
    'amex',
    'maestro',
    'pan\\b',
    '(?:kredit)?karte',
    'carte',
    'tarjeta',
    'cart[ãa]o',
    'carta',
    'creditcard',
    'kaart',
    'kart[aę]',
  ],
  ['карт', '卡', 'カード', '카드'],
)

/** A number behind one of these is no address of a machine. */
export const VERSION_WORDS = words(
  'version',
  'v\\b',
  'ver\\b',
  'release',
  'build',
  'firmware',
  'driver',
  'update to',
  'upgrade',
  'oid\\b',
  'section',
  'chapter',
  'rev\\b',
)

/** A number behind one of these is a reference and no phone number, even when a phone is spoken of. */
export const REFERENCE_WORDS = words(
  'order',
  'invoice',
  'ticket',
  'case',
  'ref\\b',
  'id\\b',
  'serial',
  'sku',
  'isbn',
  'tracking',
  'transaction',
  'price',
  'total',
  'amount',
)
