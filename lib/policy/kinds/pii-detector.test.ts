import { expect, test } from 'vitest'
import { PII_DETECTOR } from './pii-detector'
import { askKind } from './testing-ask'

const { ask, redact } = askKind(PII_DETECTOR)

test.each([
  ['write to jane.doe+x@mail.example.org.', 'write to [EMAIL].'],
  ['メールはkim@example.jpまで', 'メールは[EMAIL]まで'],
  ['card 4111 1111 1111 1111, exp 12/29', 'card [CREDIT_CARD], exp 12/29'],
  ['amex 3782-822463-10005', 'amex [CREDIT_CARD]'],
  ['4242424242424242', '[CREDIT_CARD]'],
  ['IBAN DE89 3704 0044 0532 0130 00 please', 'IBAN [IBAN] please'],
  ['gb82west12345698765432', '[IBAN]'],
  ['SSN 536-22-8761', 'SSN [SSN]'],
  ['social security number 536228761', 'social security number [SSN]'],
  ['DNI 12345678Z', 'DNI [NATIONAL_ID]'],
  ['CPF 529.982.247-25', 'CPF [NATIONAL_ID]'],
  ['NINO AB 12 34 56 C', 'NINO [NATIONAL_ID]'],
  ['call (212) 555-0187 now', 'call [PHONE] now'],
  ['+49 30 23456789', '[PHONE]'],
  ['tél. 06 12 34 56 78', 'tél. [PHONE]'],
  ['from 203.0.113.9 today', 'from [IP_ADDRESS] today'],
  ['2001:db8::8a2e:370:7334 logged in', '[IP_ADDRESS] logged in'],
  ['ether 3c:22:fb:01:02:03', 'ether [MAC_ADDRESS]'],
  ['born on 12 March 1984 in Leeds', 'born on [DATE_OF_BIRTH] in Leeds'],
  ['Geburtsdatum: 01.02.1990', 'Geburtsdatum: [DATE_OF_BIRTH]'],
  ['Passport number: C01X00T47', 'Passport number: [PASSPORT]'],
  ['cvv: 123', 'cvv: [CVV]'],
  ['Cardholder name: John Q. Smith', 'Cardholder name: [CARDHOLDER_NAME]'],
  ['write to nora(at)example.com', 'write to [EMAIL]'],
  ['q=emil%40example.com', 'q=[EMAIL]'],
  ['TFN 123 456 782', 'TFN [NATIONAL_ID]'],
  ['NRIC S1234567D', 'NRIC [NATIONAL_ID]'],
  ['RUT 12.345.678-5', 'RUT [NATIONAL_ID]'],
  ['HKID A123456(3)', 'HKID [NATIONAL_ID]'],
  ['hetu 131052-308T', 'hetu [NATIONAL_ID]'],
  ['마이 여권번호 M12345678', '마이 여권번호 [PASSPORT]'],
  ['Doğum tarihi: 13.11.1993', 'Doğum tarihi: [DATE_OF_BIRTH]'],
  ['GSM : 0470 12 34 56', 'GSM : [PHONE]'],
  ["driver's license number: S514-7777-8888", "driver's license number: [DRIVING_LICENCE]"],
  ['arp 0011.2233.4455 on Gi0/1', 'arp [MAC_ADDRESS] on Gi0/1'],
])('masks personal data: %s', (text, wanted) => {
  expect(redact(text)).toBe(wanted)
})

test.each([
  'order 4111111111111112 has no right check digit',
  'DE00 3704 0044 0532 0130 00',
  '000-12-3456, 666-12-3456 and 987-65-4321',
  'version 10.2.30.4 and 127.0.0.1',
  'at 1718000000 and 1718000000123 ms',
  'ISBN 978-3-16-148410-0',
  'EUR 1,249.90 for 12 of 1.000.000',
  'the meeting on 2024-03-05 at 12:30:45',
  'uuid 123e4567-e89b-12d3-a456-426614174000',
  'react@18.2.0, @types/node and user@',
  'call std::vector in 10 steps',
  'SKU 372-529-5272 in stock',
  'TFN 123 456 789 fails its check',
  'RUT 12.345.678-9 fails too',
  'Phone support ends 31.12.2026.',
  'a born-digital archive from 2001-05-06',
  'He was born in 1984. The invoice of 2024-03-05 is due.',
])('leaves ordinary numbers alone: %s', (text) => {
  expect(ask(text)).toMatchObject({ verdict: 'allow', redactions: [] })
})

test('finds what is written with full-width digits and invisible characters, at its place in the original', () => {
  expect(redact('卡号４１１１１１１１１１１１１１１１。')).toBe('卡号[CREDIT_CARD]。')
  expect(redact('a jane\u200b@exam\u200bple.org b')).toBe('a [EMAIL] b')
})

test('a block says that there was something and never what', () => {
  const finding = askKind(PII_DETECTOR, { action: 'block' }).ask('mail jane@example.org')
  expect(finding).toMatchObject({ verdict: 'block', reasonCode: 'pii.detected' })
  expect(JSON.stringify(finding)).not.toContain('jane')
})

test('modes, entities and names among the patterns decide what is looked for', () => {
  const card = '4242 4242 4242 4242'
  expect(askKind(PII_DETECTOR, { pci_mode: false }).ask(card).verdict).toBe('allow')
  expect(askKind(PII_DETECTOR, { healthcare_mode: true }).redact('MRN: 12345678')).toBe('MRN: [MRN]')
  expect(askKind(PII_DETECTOR, { entities: ['iban'] }).ask(`jane@example.org ${card}`).verdict).toBe('allow')
  const address = 'lives at 221B Baker Street in town'
  expect(ask(address).verdict).toBe('allow')
  expect(askKind(PII_DETECTOR, { detect_patterns: ['street_address'] }).redact(address)).toBe(
    'lives at [STREET_ADDRESS] in town',
  )
  expect(askKind(PII_DETECTOR, { detect_patterns: ['EMP-\\d{4}'] }).redact('for EMP-1234')).toBe('for [CUSTOM]')
})

test('markers take the configured form', () => {
  const marked = (redaction: object) => askKind(PII_DETECTOR, { redaction }).redact('jane@example.org')
  expect(marked({ marker_format: 'asterisks' })).toBe('********')
  expect(marked({ marker_format: 'asterisks', preserve_length: true })).toBe('*'.repeat(16))
  expect(marked({ marker_format: 'partial' })).toBe('j***@example.org')
  expect(marked({ custom_markers: { email: '<mail>' } })).toBe('<mail>')
})

test('what lies before the pending part stays found at the same place whatever follows', () => {
  const { policy } = askKind(PII_DETECTOR)
  if (policy.streaming === 'buffered') throw new Error('it should follow a stream')
  const whole =
    'Hi, card 4111 1111 1111 1111 08/29, IBAN DE89 3704 0044 0532 0130 00; born on March 12, 1984. Call +49 30 23456789 or jane.doe@mail.example.org, name on card: Jane van Doe. Bye now, see 203.0.113.9!'
  const all = ask(whole).detections
  expect(all).toHaveLength(7)
  for (let length = 0; length <= whole.length; length++) {
    const seen = whole.slice(0, length)
    const pending = policy.streaming.pendingFrom(seen)
    const settled = all.filter(({ end }) => end <= pending)
    expect(ask(seen).detections.filter(({ end }) => end <= pending)).toEqual(settled)
    // Nothing that begins before the pending part may still grow over it.
    for (const { start, end } of all) expect(start < pending && end > pending).toBe(false)
  }
})
