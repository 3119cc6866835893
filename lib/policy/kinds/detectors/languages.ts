/** Tables of letter sequences take 30 MB and a fifth of a second to load; most chains never ask for a language. */
let detector: typeof import('eld/extrasmall').eld | null = null

export async function loadLanguages(): Promise<void> {
  detector ??= (await import('eld/extrasmall')).eld
}

/**
 * The language that a text most likely is in (ISO 639-1), and how well it fits, from 0 to 1; null when it is hard to say.
 *
 * @throws Error before `loadLanguages` has been waited for
 */
export function languageOf(text: string): { language: string; confidence: number } | null {
  if (detector === null) throw new Error('The languages are not loaded yet.')
  const result = detector.detect(text)
  const { language } = result
  return language !== '' && result.isReliable() ? { language, confidence: result.getScores()[language] ?? 0 } : null
}
