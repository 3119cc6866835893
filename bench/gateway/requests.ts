import { benchTexts } from '../engine-texts'

/** So many characters of ordinary English without personal data. */
export const englishText = (length: number): string => benchTexts(length)[0]?.[1] ?? ''

/** What the upstream's model `paced` says, event by event: two words, and a letter or two that say the place. */
export const PACED_PIECES: readonly string[] = Array.from({ length: 64 }, (_, place) => {
  const words = englishText(2_000).split(' ')
  return `${words[(2 * place) % 300]} ${words[(2 * place + 1) % 300]} ${placeName(place)} `
})

function placeName(place: number): string {
  return String.fromCharCode(0x61 + Math.floor(place / 26), 0x61 + (place % 26))
}

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
