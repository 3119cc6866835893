/**
 * The most tokens that a picture of any size is charged as, by what the names of models have in them; the first that is there
 * counts. As providers publish it: OpenAI (platform.openai.com/docs/guides/images-vision) counts up to eight tiles and a base,
 * or up to 1,536 patches times a factor; Anthropic (platform.claude.com/docs/en/build-with-claude/vision) patches of its
 * largest native size; Google (ai.google.dev/gemini-api/docs/tokens) 258 for each tile of at most 768 pixels; xAI
 * (docs.x.ai, image understanding) 256 for each of up to six tiles and for the whole.
 */
const FAMILIES: readonly [RegExp, number][] = [
  [/gpt-4o-mini/, 48_169],
  [/gpt-4\.1-(?:mini|nano)|gpt-5-(?:codex-)?(?:mini|nano)|o4-mini/, 3_779],
  [/gpt-4o|gpt-4\.[15]|gpt-4-(?:turbo|vision)|gpt-5(?![.\d])|(?:^|\W)o[13](?![a-z\d])|computer-use/, 2_000],
  [/claude/, 4_784],
  [/gemini/, 6_192],
  [/grok/, 2_000],
]
/** As much as any other model that is known takes, such as those that see a picture in its own size. */
const TOKENS_DEFAULT = 16_384

/**
 * @param names of the same model, the one that its provider is asked for first
 * @returns tokens of one picture. Which detail the caller asked for is not looked at, because some models know none
 */
export function pictureTokensOf(names: readonly string[]): number {
  for (const name of names) {
    const lower = name.toLowerCase()
    const known = FAMILIES.find(([family]) => family.test(lower))
    if (known !== undefined) return known[1]
  }
  return TOKENS_DEFAULT
}
