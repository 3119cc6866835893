import { benchTexts } from '../engine-texts'

/** Events in a stream of the upstream's model `paced`, each numbered. */
export const PACED_EVENTS = 64

/** So many characters of ordinary English without personal data. */
export const englishText = (length: number): string => benchTexts(length)[0]?.[1] ?? ''

const PERSON = ' Answer to jane.miller@example.org. '

/** A chat request of about so many bytes. `model` says what the upstream answers. */
export const requestOf = (model: string, bytes: number): string =>
  JSON.stringify({ model, messages: [{ role: 'user', content: englishText(bytes - 80) }] })

export const streamRequestOf = (model: string, bytes: number): string =>
  JSON.stringify({
    model,
    stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: 'user', content: englishText(bytes - 140) }],
  })

/** With an address to be masked on the way in. */
export const personalRequestOf = (model: string, bytes: number): string =>
  JSON.stringify({ model, messages: [{ role: 'user', content: englishText(bytes - 120) + PERSON }] })
