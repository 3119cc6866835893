import { z } from 'zod'
import { camelCase } from '@/lib/google-names'
import type { Json } from '../providers/adapter'

/** An optional field for which `null` says the same as nothing. */
export const maybe = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? null)
const object = z.record(z.string(), z.unknown())
const text = maybe(z.string())

const blob = z.strictObject({ mimeType: z.string(), data: z.string(), displayName: text })
const part = z.strictObject({
  text,
  thought: maybe(z.boolean()),
  /** Of Google's own making: nobody else can read it, and a thought is only ever a help. */
  thoughtSignature: z.unknown().optional(),
  inlineData: maybe(blob),
  fileData: maybe(z.strictObject({ mimeType: text, fileUri: z.string(), displayName: text })),
  functionCall: maybe(z.strictObject({ id: text, name: z.string().min(1), args: maybe(object) })),
  functionResponse: maybe(
    z.strictObject({
      id: text,
      name: z.string().min(1),
      response: maybe(object),
      parts: maybe(z.array(z.strictObject({ inlineData: blob }))),
    }),
  ),
  // How finely a picture is looked at, as the `detail` of one elsewhere.
  mediaResolution: z.unknown().optional(),
})
export type Part = z.output<typeof part>

const content = z.strictObject({ role: maybe(z.enum(['user', 'model', 'function'])), parts: z.array(part) })
export type Content = z.output<typeof content>

const declaration = z.strictObject({
  name: z.string().min(1),
  description: text,
  parameters: z.unknown().optional(),
  parametersJsonSchema: z.unknown().optional(),
  // What comes back, and whether anybody waits for it: the caller's own affair.
  response: z.unknown().optional(),
  responseJsonSchema: z.unknown().optional(),
  behavior: maybe(z.enum(['UNSPECIFIED', 'BLOCKING'])),
})
export type Declaration = z.output<typeof declaration>

const generation = z.strictObject({
  temperature: maybe(z.number()),
  topP: maybe(z.number()),
  topK: maybe(z.number()),
  maxOutputTokens: maybe(z.int().positive()),
  stopSequences: maybe(z.array(z.string())),
  seed: maybe(z.int()),
  presencePenalty: maybe(z.number()),
  frequencyPenalty: maybe(z.number()),
  candidateCount: maybe(z.literal(1)),
  responseMimeType: maybe(z.enum(['text/plain', 'application/json'])),
  responseSchema: z.unknown().optional(),
  responseJsonSchema: z.unknown().optional(),
  responseModalities: maybe(z.array(z.literal('TEXT'))),
  responseLogprobs: maybe(z.literal(false)),
  thinkingConfig: maybe(
    z.strictObject({
      includeThoughts: maybe(z.boolean()),
      thinkingBudget: maybe(z.int().min(-1)),
      thinkingLevel: maybe(z.enum(['THINKING_LEVEL_UNSPECIFIED', 'MINIMAL', 'LOW', 'MEDIUM', 'HIGH'])),
    }),
  ),
  mediaResolution: z.unknown().optional(),
})
export type Generation = z.output<typeof generation>

const calling = z.strictObject({
  mode: maybe(z.enum(['MODE_UNSPECIFIED', 'AUTO', 'ANY', 'NONE', 'VALIDATED'])),
  allowedFunctionNames: maybe(z.array(z.string())),
})

/** What of a request to generate content has a counterpart; everything else is refused by its name. */
export const GEMINI_FIELDS = z.strictObject({
  model: text,
  contents: z.array(content).min(1),
  systemInstruction: maybe(z.strictObject({ role: text, parts: z.array(z.strictObject({ text: z.string() })) })),
  tools: maybe(z.array(z.strictObject({ functionDeclarations: maybe(z.array(declaration)) }))),
  toolConfig: maybe(z.strictObject({ functionCallingConfig: maybe(calling) })),
  generationConfig: maybe(generation),
  // Of Google's own filters, which nobody else has.
  safetySettings: z.unknown().optional(),
  // Whom to bill and how soon; the answer is the same without.
  labels: z.unknown().optional(),
  serviceTier: z.unknown().optional(),
})
export type GeminiFields = z.output<typeof GEMINI_FIELDS>

/** The same body with all names of fields as Google writes them. What callers name themselves stays. */
export const withCamelCase = (body: Json): unknown => renamed(body)

function renamed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(renamed)
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      const key = camelCase(name)
      return [key, OF_CALLERS.has(key) ? item : renamed(item)]
    }),
  )
}

const OF_CALLERS = new Set(
  'args response parameters parametersJsonSchema responseJsonSchema responseSchema labels'.split(' '),
)
