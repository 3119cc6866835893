import { hasLuhn, isAhv } from './checksums'
import type { Found } from './found'
import * as of from './national-checksums'

/** A number of one country that counts behind its name, or by itself when it is written as nothing else is. */
type NationalId = {
  /** In lower case, at the beginning of a word; of scripts that have no blanks, anywhere. */
  names: readonly string[]
  /** Sticky. */
  pattern: RegExp
  /** @param code letters in upper case and digits, nothing between them */
  isValid?: (code: string) => boolean
  /** A way of writing it that needs no name. */
  alone?: RegExp
}

const id = (
  names: readonly string[],
  pattern: RegExp,
  isValid?: (code: string) => boolean,
  alone?: RegExp,
): NationalId => ({ names, pattern, ...(isValid && { isValid }), ...(alone && { alone }) })

/** Those that begin with a digit. */
const NUMBERS: readonly NationalId[] = [
  id(['tfn', 'tax file'], /\d{3}[ -]?\d{3}[ -]?\d{3}/y, of.isTfn),
  id(['medicare'], /\d{4}[ -]?\d{5}[ -]?\d(?:[ /-]?\d)?/y, of.isMedicareCard),
  id(['abn', 'australian business'], /\d{2} ?\d{3} ?\d{3} ?\d{3}/y, of.isAbn),
  id(['ird'], /\d{2,3}[ -]?\d{3}[ -]?\d{3}/y),
  id(['マイナンバー', '個人番号', 'my number', 'mynumber'], /\d{4}[ -]?\d{4}[ -]?\d{4}/y, of.isMyNumber),
  id([], /\d{17}[\dXx]/y, of.isChineseId, /\d{17}[\dXx]/y),
  id(
    ['주민등록', '주민번호', '외국인등록', 'resident registration', 'rrn', 'korean id'],
    /\d{6}-?[1-8]\d{6}/y,
    of.isKoreanId,
  ),
  id(
    [
      'rijksregister',
      'registre national',
      'numéro national',
      'numero national',
      'nationaal nummer',
      'insz',
      'niss',
      'nrn',
    ],
    /\d{2}\.?\d{2}\.?\d{2}[-. ]?\d{3}[-. ]?\d{2}/y,
    of.isBelgianId,
    /\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}/y,
  ),
  id(['nif', 'contribuinte', 'número fiscal', 'numero fiscal'], /\d{3} ?\d{3} ?\d{3}/y, of.isPortugueseNif),
  id(['ahv', 'avs', 'oasi', 'sozialversicher'], /756\d{10}/y, isAhv),
  id(['rodn', 'rč', 'birth number'], /\d{6}\/?\d{3,4}/y, of.isBirthNumber),
  id(['егн', 'egn'], /\d{10}/y, of.isBulgarianEgn),
  id(['cnp', 'cod numeric'], /\d{13}/y, of.isRomanianCnp),
  id(['oib', 'osobni identifikacijski'], /\d{11}/y, of.isCroatianOib),
  id(['jmbg', 'јмбг', 'emšo', 'emso', 'матичен'], /\d{13}/y, of.isJmbg),
  id(['kimlik', 'tckn', 'tc no', 't.c. no'], /\d{11}/y, of.isTurkishId),
  id(['תעודת זהות', 'ת.ז', 'ת"ז', 'מספר זהות', 'teudat', 'israeli id'], /\d{9}/y, of.isIsraeliId),
  id(
    ['rsa id', 'sa id', 'south african id', 'id number', 'identity number', 'id no'],
    /\d{6} ?\d{4} ?\d{3}/y,
    (code) => of.isSouthAfricanDate(code) && hasLuhn(code),
  ),
  id(['инн', 'inn'], /\d{10}(?:\d{2})?/y, of.isInn),
  id(['снилс', 'snils'], /\d{3}-?\d{3}-?\d{3}[ -]?\d{2}/y, of.isSnils, /\d{3}-\d{3}-\d{3} \d{2}/y),
  id(['рнокпп', 'іпн', 'ідентифікаційн'], /\d{10}/y, of.isUkrainianCode),
  id(['иин', 'жсн', 'iin'], /\d{12}/y),
  id(['rut', 'run', 'rol único'], /\d{1,2}\.?\d{3}\.?\d{3}-?[\dkK]/y, of.isRut, /\d{1,2}\.\d{3}\.\d{3}-[\dkK]/y),
  id(['cuit', 'cuil'], /\d{2}-?\d{8}-?\d/y, of.isCuit, /\d{2}-\d{8}-\d/y),
  id(['dni', 'documento nacional', 'cédula', 'cedula', 'documento de identidad'], /\d{1,3}(?:\.\d{3}){2,3}|\d{7,10}/y),
  id(['cnpj'], /\d{2}\.?\d{3}\.?\d{3}\/?\d{4}-?\d{2}/y, of.isCnpj, /\d{2}\.\d{3}\.\d{3}\/\d{4}-\d{2}/y),
  id(['rg', 'registro geral'], /\d{1,2}\.?\d{3}\.?\d{3}-?[\dXx]/y),
  id(
    ['เลขประจำตัวประชาชน', 'บัตรประชาชน', 'thai id', 'thai national'],
    /\d[ -]?\d{4}[ -]?\d{5}[ -]?\d{2}[ -]?\d/y,
    of.isThaiId,
    /\d-\d{4}-\d{5}-\d{2}-\d/y,
  ),
  id(['mykad', 'kad pengenalan', 'no. kp', 'kp', 'ic', 'nric'], /\d{6}-?\d{2}-?\d{4}/y, of.isMyKad),
  id(['nik', 'ktp', 'nomor induk'], /\d{16}/y, of.isNik),
  id(['cccd', 'cmnd', 'căn cước', 'chứng minh', 'citizen id'], /\d{12}|\d{9}/y),
  id(['cnic', 'nicop'], /\d{5}-?\d{7}-?\d/y, undefined, /[1-7]\d{4}-\d{7}-\d/y),
  id(['emirates id', 'هوية'], /784-?(?:19|20)\d{2}-?\d{7}-?\d/y, undefined, /784-(?:19|20)\d{2}-\d{7}-\d/y),
  id(['iqama', 'إقامة', 'الإقامة', 'هوية', 'saudi id'], /[12]\d{9}/y, hasLuhn),
  id(['الرقم القومي', 'رقم قومي', 'egyptian id'], /\d{14}/y, of.isEgyptianId),
  id(['pps', 'ppsn'], /\d{7}[A-Wa-w][A-IWa-iw]?/y, of.isPpsn),
  id(['αμκα', 'amka'], /\d{11}/y, (code) => of.isAmka(code) && hasLuhn(code)),
  id(['αφμ', 'α.φ.μ', 'afm'], /\d{9}/y, of.isGreekAfm),
  id(['sv-nummer', 'sv-nr', 'svnr', 'sozialversicherung', 'versicherungsnummer'], /\d{4} ?\d{6}/y, of.isAustrianSvnr),
  id(['sozialversicherung', 'rentenversicherung', 'sv-nummer', 'versicherungsnummer'], /\d{2} ?\d{6} ?[A-Z] ?\d{3}/y),
  id([], /\d{6}[-+A]\d{3}[0-9A-Y]/y, of.isFinnishHetu, /\d{6}[-+A]\d{3}[0-9A-Y]/y),
  id(['cpr', 'personnummer'], /\d{6}[- ]?\d{4}/y, of.isDanishCpr),
  id(['fødselsn', 'personnummer', 'fnr', 'norwegian id'], /\d{6} ?\d{5}/y, of.isNorwegianId),
  id(['kennitala', 'kt.'], /\d{6}-?\d{4}/y, of.isKennitala),
  id(['asmens kodas', 'isikukood', 'personal code'], /[1-6]\d{10}/y, of.isBalticId),
  id(['personas kods'], /\d{6}-?\d{5}/y),
  id(['itin', 'taxpayer id', 'tax id'], /9\d{2}-?(?:5\d|6[0-5]|[78]\d|9[0-24-9])-?\d{4}/y),
  id(['ein', 'employer identification'], /\d{2}-\d{7}/y),
  id(['utr', 'unique taxpayer'], /\d{5} ?\d{5}/y),
  id(['numéro fiscal', 'numero fiscal'], /[0-3]\d(?: ?\d{2}){1} ?\d{3} ?\d{3} ?\d{3}/y),
  id(['taj'], /\d{3} ?\d{3} ?\d{3}/y),
  id(['bsn', 'burgerservice'], /\d{4}\.?\d{2}\.?\d{3}/y),
  id(['身份证', '身份證', '公民身份'], /\d{15}/y),
  id(['паспорт', 'passport'], /\d{2} \d{2} \d{6}|\d{4} \d{6}/y),
]

/** Those that begin with a letter. */
const CODES: readonly NationalId[] = [
  id(['nric', 'fin', 'ic', 'singpass', 'identity', 'identification'], /[STFGMstfgm]\d{7}[A-Za-z]/y, of.isNric),
  id([], /[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d/y, of.isCurp, /[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d/y),
  id(['rfc', 'registro federal'], /[A-ZÑ&]{3,4}\d{6}[A-Z0-9]{3}/y),
  id(['pan'], /[A-Za-z]{5}\d{4}[A-Za-z]/y, undefined, /[A-Z]{3}P[A-Z]\d{4}[A-Z]/y),
  id(['voter', 'epic'], /[A-Z]{3}\d{7}/y),
  id(['身分證', '身份證', '身份证', '統一編號', 'taiwan id', 'national id'], /[A-Z][1289]\d{8}/y, of.isTaiwaneseId),
  id(
    ['hkid', '身份證', '身份证', 'hong kong id'],
    /[A-Z]{1,2}\d{6} ?\(?[\dA]\)?/y,
    of.isHkid,
    /[A-Z]{1,2}\d{6}\([\dA]\)/y,
  ),
  id(
    [
      'personalausweis',
      'ausweisnummer',
      'ausweis-nr',
      'identity card',
      'id card',
      "carte d'identité",
      'carta d’identità',
      "carta d'identità",
      'dowód',
      'dowod',
      'bilhete de identidade',
    ],
    /(?=[A-Z]{0,8}\d)[A-Z0-9]{8,10}/y,
  ),
]

const SCRIPT = /[^\x00-\u024f\u1e00-\u1eff]/

const escaped = (name: string) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** The names of a number: words at their beginning, and anything in scripts without blanks. */
function naming(names: readonly string[]): RegExp | null {
  if (names.length === 0) return null
  const words = names
    .filter((name) => !SCRIPT.test(name))
    .map((name) => `${escaped(name)}${name.length <= 4 ? '(?!\\p{L})' : ''}`)
  // One look back for all words: it is tried at every character.
  const begun = words.length === 0 ? [] : [`(?<![\\p{L}\\p{N}])(?:${words.join('|')})`]
  return new RegExp([...begun, ...names.filter((name) => SCRIPT.test(name)).map(escaped)].join('|'), 'u')
}

const prepared = (ids: readonly NationalId[]) => ({
  named: ids.map(({ names, pattern, isValid }) => ({ name: naming(names), pattern, isValid })),
  alone: ids.flatMap(({ alone, isValid }) => (alone ? [{ pattern: alone, isValid }] : [])),
  any: naming(ids.flatMap(({ names }) => names)),
})

const BY_DIGIT = prepared(NUMBERS)
const BY_LETTER = prepared(CODES)

/**
 * A national number that begins at `start`.
 *
 * @param context gives what stands before it, in lower case; called when that may matter
 */
export const nationalNumberAt = (text: string, start: number, context: () => string) =>
  idAt(text, start, BY_DIGIT, context)

/** The same for those that begin with a letter. */
export const nationalCodeAt = (text: string, start: number, context: () => string) =>
  idAt(text, start, BY_LETTER, context)

function idAt(text: string, start: number, ids: ReturnType<typeof prepared>, context: () => string): Found | null {
  for (const one of ids.alone) {
    const found = read(text, start, one)
    if (found) return found
  }
  const before = context()
  if (ids.any?.test(before) !== true) return null
  for (const one of ids.named) {
    if (one.name?.test(before) !== true) continue
    const found = read(text, start, one)
    if (found) return found
  }
  return null
}

function read(
  text: string,
  start: number,
  { pattern, isValid }: { pattern: RegExp; isValid: NationalId['isValid'] },
): Found | null {
  pattern.lastIndex = start
  const written = pattern.exec(text)?.[0]
  if (written === undefined) return null
  const end = start + written.length
  const next = text.charAt(end)
  if (/[A-Za-z0-9_]/.test(next) || (/[-/.]/.test(next) && /\d/.test(text.charAt(end + 1)))) return null
  return isValid?.(written.replace(/[^A-Za-z0-9]/g, '').toUpperCase()) === false
    ? null
    : { start, end, rule: 'national_id' }
}
