import { isNpi } from './checksums'
import type { Labelled } from './labelled'

/** One to four capitalised words. */
const PERSON =
  /(?:(?:Mr|Mrs|Ms|Dr|Prof|Herr|Frau|Mme|M|Sr|Sra)\.? )?(\p{Lu}[\p{L}'’.-]{0,24}(?: (?:(?:van|von|de|der|den|del|la|bin|al) ){0,2}\p{Lu}[\p{L}'’.-]{0,24}){1,3})/uy

const hasDigits = (count: number) => (value: string) => value.replace(/\D/g, '').length >= count

/** How numbers of something are called. */
const numbered = (name: string) => [`${name} id`, `${name} n`]

/** Of payment cards. */
export const CARDHOLDER: readonly Labelled[] = [
  {
    rule: 'cardholder_name',
    signs: ['holder', 'name on', 'inhaber', 'titula'],
    label:
      /(?:card ?holder(?:'s)?(?: name)?|name on (?:the )?card|karteninhaber|titulaire de la carte|titular de la tarjeta)/giu,
    value: PERSON,
  },
]

/** Of patients and those who treat and insure them. */
export const HEALTH_NUMBERS: readonly Labelled[] = [
  {
    rule: 'mrn',
    signs: [
      '|mrn|',
      'medical record',
      'patient ',
      'chart ',
      'patienten',
      'dossier patient',
      'historia cl',
      '病历号',
      '患者番号',
    ],
    label:
      /(?:\bmrn\b|medical record|patient (?:id|no|number|record)|chart (?:no|number|id)|patienten-?(?:nummer|id)|dossier patient|historia clínica|病历号|患者番号)/giu,
    value: /[A-Z]{0,4}-?\d[\dA-Z-]{3,14}/iy,
    digitsTogether: 1,
    isValid: hasDigits(4),
  },
  {
    rule: 'insurance_id',
    signs: [
      ...['insurance', 'member', 'subscriber', 'beneficiary', 'policy', 'group'].flatMap(numbered),
      'insurance policy',
      'medicare',
      'medicaid',
      'health plan',
      'versicherten',
      'nhs number',
    ],
    label:
      /(?:(?:health )?insurance (?:id|no|number|policy)|(?:member|subscriber|beneficiary|policy|group) (?:id|no|number)|medicare(?: number| id)?|medicaid(?: number| id)?|health plan(?: beneficiary)?|versicherten-?nummer|krankenversicherten-?nummer|nhs number)/giu,
    value: /[A-Z0-9][A-Z0-9 -]{4,18}[A-Z0-9]/iy,
    digitsTogether: 1,
    isValid: hasDigits(4),
  },
  { rule: 'npi', signs: ['|npi|'], label: /\bnpi\b/giu, value: /\d{10}(?!\d)/y, digitsTogether: 10, isValid: isNpi },
]

const ZIP = /\d{5}(?:-\d{4})?(?!\d)/y

/** What else the Safe Harbor list of 45 CFR 164.514(b)(2) names, where its name is written before it. */
export const HIPAA_NUMBERS: readonly Labelled[] = [
  {
    rule: 'name',
    signs: [
      '|patient',
      '|pt|',
      'name:',
      'name=',
      'name :',
      'name =',
      '|mother',
      '|father',
      '|spouse',
      '|wife',
      '|husband',
      '|guardian',
      '|next of kin',
      '|emergency contact',
      '|physician',
      '|relative',
      '|employer',
      '|mr|',
      '|mrs|',
      '|ms|',
      '|miss|',
    ],
    label:
      /(?:\bpatient(?:'s)?(?: name)?|\bpt(?: name)?(?=[:. ])|\b(?:full |first |last |sur)?name(?=\s*[:=])|\b(?:mother|father|spouse|wife|husband|guardian|next of kin|emergency contact|physician|relative|employer)(?: name)?(?=\s*[:=]|,? \p{Lu})|\b(?:mr|mrs|ms|miss)\b\.?(?= ))/giu,
    value: PERSON,
  },
  {
    rule: 'name',
    signs: ['|mr|', '|mrs|', '|ms|', '|miss|', '|herr|', '|frau|', '|mme|', 'señor', '|sr|', '|sra|'],
    label: /\b(?:mr|mrs|ms|miss|herr|frau|mme|señora?|sra?)\b\.?(?= )/giu,
    value: /(\p{Lu}[\p{L}'’-]{1,24}(?: \p{Lu}[\p{L}'’-]{1,24})?)/uy,
  },
  {
    rule: 'account_number',
    signs: ['|account', '|acct'],
    label: /\b(?:account|acct)(?: no| number| id|\.|#)?/giu,
    value: /[A-Z0-9][A-Z0-9-]{4,20}/iy,
    digitsTogether: 1,
    isValid: hasDigits(5),
  },
  {
    rule: 'licence_number',
    signs: ['|licence', '|license', '|certificate', '|dea'],
    label: /\b(?:licen[cs]e|certificate|dea)(?: no| number| id|\.|#)?/giu,
    value: /[A-Z]{0,3}-?\d[\dA-Z-]{4,14}/iy,
    digitsTogether: 1,
    isValid: hasDigits(4),
  },
  {
    rule: 'vehicle_id',
    signs: ['|vin|', '|vehicle identification'],
    label: /\b(?:vin|vehicle identification(?: number)?)\b/giu,
    value: /[A-HJ-NPR-Z0-9]{17}(?![A-Z0-9])/iy,
  },
  {
    rule: 'vehicle_id',
    signs: ['|plate'],
    label: /\b(?:licen[cs]e|number|registration) plates?\b/giu,
    value: /(?=[A-Z -]{0,8}\d)[A-Z0-9][A-Z0-9 -]{2,8}[A-Z0-9]/y,
  },
  {
    rule: 'device_id',
    signs: ['|device', '|serial', '|implant', '|pacemaker', '|udi'],
    label: /\b(?:device|serial|implant|pacemaker|udi)(?: (?:no|number|id|serial|identifier|sn))?\b/giu,
    value: /[A-Z0-9][A-Z0-9-]{4,24}/iy,
    digitsTogether: 1,
    isValid: hasDigits(4),
  },
  {
    rule: 'biometric_id',
    signs: ['|fingerprint', '|retina', '|iris', '|voice print', '|voiceprint', '|biometric'],
    label: /\b(?:fingerprint|retina|iris|voice ?print|biometric)(?: (?:id|scan|template|hash))?\b/giu,
    value: /[A-Z0-9][A-Z0-9-]{5,63}/iy,
    digitsTogether: 1,
    isValid: hasDigits(4),
  },
  {
    rule: 'zip_code',
    signs: ['|zip', '|postal code', '|postcode', '|plz'],
    label: /\b(?:zip(?: code)?|postal code|postcode|plz)\b/giu,
    value: ZIP,
    digitsTogether: 5,
  },
  {
    rule: 'zip_code',
    signs: [],
    label:
      / \b(?:AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY)\b(?= \d{5})/g,
    value: ZIP,
    digitsTogether: 5,
  },
]

/** Of pupils and students. */
export const STUDENT_NUMBERS: readonly Labelled[] = [
  {
    rule: 'student_id',
    signs: [
      ...['|student', '|pupil', '|learner'].flatMap(numbered),
      "|student's",
      '|student_id',
      '|matrikel',
      'étudiant',
      'matrícula',
      '学号',
      '学籍番号',
    ],
    label:
      /(?:\bstudent(?:'s)?(?: (?:id|no|number))|\bpupil (?:id|no|number)|\bmatrikel(?:nummer|nr)|\bnuméro étudiant|\bmatrícula|\blearner (?:id|no|number)|\bstudent_id\b|学号|学籍番号)/giu,
    value: /[A-Z]{0,3}-?\d[\dA-Z-]{3,14}/iy,
    digitsTogether: 1,
    isValid: hasDigits(4),
  },
  {
    rule: 'student_name',
    signs: ['|student', '|pupil', '|learner', 'schüler', 'élève', '|alumn', '|parent', '|guardian'],
    label:
      /\b(?:student|pupil|learner|schüler(?:in)?|élève|alumn[oa]|parent|guardian)(?:'s)?(?: name)?(?=\s*[:=]| \p{Lu}| is )/giu,
    value: PERSON,
  },
  {
    rule: 'grade',
    signs: ['|gpa|', '|grade point', '|iep|', '|504 plan', '|disciplinary'],
    label: /\b(?:gpa|grade point average|iep|504 plan|disciplinary record)\b/giu,
    value: /(\d(?:\.\d{1,2})?)(?![\d-])/y,
    digitsTogether: 1,
  },
]

/** Of proceedings and those in them. */
export const CASE_NUMBERS: readonly Labelled[] = [
  {
    rule: 'case_number',
    signs: [
      '|case',
      '|cause',
      '|matter',
      '|file',
      '|aktenzeichen',
      '|az',
      'geschäftszeichen',
      '|affaire',
      '|expediente',
    ],
    label:
      /\b(?:case|cause|matter|file|aktenzeichen|az\.?|geschäftszeichen|affaire|expediente)(?: (?:no|number|nr|id)\b\.?|\s*#|\s*:|\.)?/giu,
    value: /(?=[A-Z:. -]{0,10}\d)[A-Z0-9](?:[A-Z0-9]|[:/-](?=[A-Z0-9])){4,27}/iy,
    digitsTogether: 1,
    isValid: hasDigits(3),
  },
  {
    rule: 'docket_number',
    signs: ['|docket'],
    label: /\bdocket(?: (?:no|number|nr|id)\b\.?)?/giu,
    value: /(?=[A-Z:. -]{0,10}\d)[A-Z0-9](?:[A-Z0-9]|[:/-](?=[A-Z0-9])){2,27}/iy,
    digitsTogether: 1,
    isValid: hasDigits(2),
  },
  {
    rule: 'party_name',
    signs: [
      '|plaintiff',
      '|defendant',
      '|petitioner',
      '|respondent',
      '|appell',
      '|claimant',
      '|complainant',
      '|witness',
      '|victim',
      '|accused',
      '|minor child',
      'kläger',
      '|beklagt',
      '|demandeur',
      'défendeur',
    ],
    label:
      /\b(?:plaintiffs?|defendants?|petitioners?|respondents?|appellants?|appellees?|claimants?|complainants?|witness|victim|accused|minor child|kläger(?:in)?|beklagter?|demandeur|défendeur)(?:,| is| was)?(?=\s*[:=]|,? \p{Lu}| is | was )/giu,
    value: PERSON,
  },
]
