import { z } from 'zod'
import { modelName } from '@/lib/contract/fields'

export const VERDICTS = ['allow', 'block', 'redact', 'escalate'] as const

const text = z.string().max(1_000_000)
const Json = z.record(z.string().max(200), z.unknown())

/** One case of `kt policy test`: a request, the answer a provider would give, and what must come of it. */
export const TestCase = z.strictObject({
  name: z.string().min(1).max(200).describe('What the case shows.'),
  input: z
    .strictObject({
      messages: z.array(Json).min(1).max(1_000).describe('Messages of a chat completion.'),
      model: modelName.default('test').describe('Model that is asked for.'),
      tools: z.array(Json).max(1_000).optional().describe('Tools that the request declares.'),
      headers: z.record(z.string().max(200), text).optional().describe('Headers of the request.'),
      upstream_response: z
        .union([text, Json])
        .optional()
        .describe(
          'What the provider answers: a text, or a whole chat completion. Without it only the request is decided.',
        ),
    })
    .describe('The request, in the shape of a chat completion.'),
  expected: z
    .strictObject({
      verdict: z.enum(VERDICTS).describe('Verdict of the whole chain.'),
      reason_code: z.string().max(200).optional().describe('Reason of that verdict, such as `pii.detected`.'),
      policy: z.string().max(100).optional().describe('Kind of the policy that gave it.'),
      contains: z.array(text).max(50).optional().describe('Texts that what is passed on must contain.'),
      excludes: z.array(text).max(50).optional().describe('Texts that it must not contain.'),
    })
    .describe('What must come of it.'),
})
export type TestCase = z.infer<typeof TestCase>

export const Testing = z.strictObject({
  suites: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(200).describe('Name of the suite.'),
        description: z.string().max(2_000).optional().describe('What it is about.'),
        cases: z.array(TestCase).min(1).max(1_000).describe('Its cases.'),
      }),
    )
    .max(100)
    .describe('Tests that travel with the configuration; `kt policy test` runs them.'),
})
