/** Bits per character of text drawn at random are near the logarithm of its alphabet; words and runs stay far below. */
const BITS_MIN = 3

/** Whether a string looks drawn at random: letters and digits (or both cases) mixed, few repeats. */
export function isRandom(text: string): boolean {
  const isMixed = /\d/.test(text) ? /[A-Za-z]/.test(text) : /[a-z]/.test(text) && /[A-Z]/.test(text)
  return isMixed && shannonBits(text) >= BITS_MIN
}

/** Shannon entropy in bits per character. */
export function shannonBits(text: string): number {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length)
  return bits
}
