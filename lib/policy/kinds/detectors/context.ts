/** How far before a value its name may stand. */
export const CONTEXT_UNITS = 40

/**
 * What stands before a value and may say what it is: at most 40 characters of the same sentence, in lower case.
 *
 * Cut at sentence ends, so that "Her birthday is known. Due on 2024-03-05" does not name the second date.
 */
export function contextBefore(text: string, start: number): string {
  const before = text.slice(Math.max(0, start - CONTEXT_UNITS), start).toLowerCase()
  for (let at = before.length - 1; at >= 0; at--) {
    if (isSentenceEnd(before, at)) return before.slice(at + 1)
  }
  return before
}

const ENDS = new Set(Array.from(';。！？\n', (sign) => sign.charCodeAt(0)))
const DOT = 0x2e
const EXCLAMATION = 0x21
const QUESTION = 0x3f
/** Behind the blank that follows a full stop: short words follow abbreviations too. */
const SENTENCE_BEGIN = /\p{Lu}|[a-z]{3}/uy

/** Whether a sentence ends with this character, or with the blank behind its full stop. */
function isSentenceEnd(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  if (ENDS.has(code)) return true
  if (code !== 0x20) return false
  const before = text.charCodeAt(at - 1)
  if (before !== DOT && before !== EXCLAMATION && before !== QUESTION) return false
  SENTENCE_BEGIN.lastIndex = at + 1
  return SENTENCE_BEGIN.test(text)
}

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
    'text \\(?$',
    'gsm',
    'natel',
    'fono',
    'fon\\b',
    'tlf',
    'tfno',
    'handphone',
    'hotline',
    'meine nummer',
    'mon numéro',
    'mi número',
    'meu número',
    'mijn nummer',
    'mój numer',
    'numer tel',
    'mobil',
    'bel\\b',
    'puhelin',
    'puh\\b',
    'soita',
    'cep\\b',
    'cep tel',
    'numaram',
    'numarasın',
    'điện thoại',
    'sđt',
    'gọi',
    'nomor hp',
    'no\\.? hp',
    'telp',
    'hubungi',
    'simu',
    'vezetékes',
    'zvan',
  ],
  [
    'телефон',
    'звон',
    'моб',
    'мой номер',
    'мій номер',
    '电话',
    '手机',
    '致电',
    '拨打',
    '聯絡',
    '電話',
    '手機',
    '携帯',
    '連絡先',
    '전화',
    '연락처',
    '휴대폰',
    'phone',
    'τηλ',
    'κινητ',
    'هاتف',
    'جوال',
    'موبايل',
    'اتصل',
    'फोन',
    'फ़ोन',
    'मोबाइल',
    'मेरा नंबर',
    'संपर्क',
    'โทร',
    'เบอร์',
    'มือถือ',
    'טלפון',
    'נייד',
    'פלאפון',
  ],
)

export const SSN_WORDS = either(
  ['ssn', 'social security', 'social-security', 'soc sec', 'seguro social', 'tax id', 'tin\\b'],
  ['ssn', '社会保障'],
)

export const BIRTH_WORDS = either(
  [
    'dob',
    'd\\.o\\.b',
    'born(?!-)',
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
    'nac(?:ió|í)(?![\\p{L}])',
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
    'født',
    'född',
    'födelse',
    'syntym',
    'naroz',
    'datum rođenja',
    'születé',
    'născut',
    'nașter',
    'doğum',
    'ngày sinh',
    'sinh ngày',
    'tanggal lahir',
    'lahir',
    'tgl lahir',
  ],
  [
    'ofbirth',
    'birthdate',
    'рождения',
    'родил',
    'народж',
    '生年月日',
    '誕生日',
    '出生',
    '生日',
    '생년월일',
    '생일',
    'الميلاد',
    'ميلاد',
    'مواليد',
    'जन्म',
    'วันเกิด',
    'เกิดวัน',
    'γέννησ',
    'γεννή',
    'לידה',
    'נולד',
  ],
)

export const PASSPORT_WORDS = either(
  [
    'passport',
    'reisepass',
    'passeport',
    'pasaporte',
    'passaporto',
    'passaporte',
    'paspoort',
    'paszport',
    'passnummer',
    'pass-?nr',
    'pasaport',
    'pașaport',
    'paspor',
    'putovnic',
    'útlevél',
    'passi\\b',
    'hộ chiếu',
  ],
  [
    'паспорт',
    '护照',
    '護照',
    'パスポート',
    '旅券',
    '여권',
    'passport',
    'جواز',
    'पासपोर्ट',
    'หนังสือเดินทาง',
    'διαβατήρι',
    'דרכון',
  ],
)

export const LICENCE_WORDS = either(
  [
    "driver'?s? licen[cs]e",
    'driver’s licen[cs]e',
    'driving licen[cs]e',
    'drivers_licen[cs]e',
    'driver licen[cs]e',
    'dl\\b',
    'cnh\\b',
    'kørekort',
    'körkort',
    'førerkort',
    'ajokortti',
    'řidičsk',
    'vodičsk',
    'sürücü belge',
    'ehliyet',
    'bằng lái',
    'giấy phép lái',
    'licença de conduç',
    'carta de conduç',
    'carné de conducir',
    'führerschein',
    'permis de conduire',
    'licencia de conducir',
    'permiso de conducir',
    'patente di guida',
    'carteira de motorista',
    'rijbewijs',
    'prawo jazdy',
  ],
  [
    'водительск',
    'посвідчення водія',
    '驾驶证',
    '駕照',
    '運転免許',
    '운전면허',
    'driverlicen',
    'driverslicen',
    'رخصة القيادة',
    'ड्राइविंग लाइसेंस',
    'ใบขับขี่',
  ],
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
  'part no',
  'item',
  'article',
  'artikel',
  'model',
  'sku',
  'isbn',
  'tracking',
  'transaction',
  'price',
  'total',
  'amount',
)
