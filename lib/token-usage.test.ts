import { expect, test } from 'vitest'
import { readTokenUsage, sumOfUsage } from './token-usage'

test.each([
  [
    'a chat completion',
    {
      prompt_tokens: 100,
      completion_tokens: 50,
      total_tokens: 150,
      prompt_tokens_details: { cached_tokens: 40, audio_tokens: 10 },
      completion_tokens_details: { reasoning_tokens: 20, audio_tokens: 5 },
    },
    { input: 100, output: 50, cached: 40, reasoning: 20, inputAudio: 10, outputAudio: 5 },
  ],
  [
    'xAI, which counts reasoning beside what was said',
    { prompt_tokens: 10, completion_tokens: 5, total_tokens: 45, completion_tokens_details: { reasoning_tokens: 30 } },
    { input: 10, output: 35, cached: 0, reasoning: 30 },
  ],
  [
    'DeepSeek, which says hits of its cache in its own way',
    { prompt_tokens: 10, completion_tokens: 5, prompt_cache_hit_tokens: 8, prompt_cache_miss_tokens: 2 },
    { input: 10, output: 5, cached: 8, reasoning: 0 },
  ],
  [
    'a completion that was converted from a provider that writes to caches',
    { prompt_tokens: 30, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 8, cache_write_tokens: 12 } },
    { input: 30, output: 5, cached: 8, reasoning: 0, cacheWritten: 12 },
  ],
  [
    'a chat completion that says its output in the total only',
    { prompt_tokens: 10, total_tokens: 45, completion_tokens_details: { reasoning_tokens: 30 } },
    { input: 10, output: 35, cached: 0, reasoning: 30 },
  ],
  [
    'a chat completion whose total says less than its parts',
    { prompt_tokens: 10, completion_tokens: null, total_tokens: 4 },
    { input: 10, output: 0, cached: 0, reasoning: 0 },
  ],
  ['embeddings', { prompt_tokens: 12, total_tokens: 12 }, { input: 12, output: 0, cached: 0, reasoning: 0 }],
  [
    'a response',
    {
      input_tokens: 100,
      output_tokens: 50,
      input_tokens_details: { cached_tokens: 40 },
      output_tokens_details: { reasoning_tokens: 20 },
    },
    { input: 100, output: 50, cached: 40, reasoning: 20 },
  ],
  [
    'a message, whose input is counted without what was cached',
    {
      input_tokens: 10,
      output_tokens: 50,
      cache_read_input_tokens: 40,
      cache_creation_input_tokens: 20,
      cache_creation: { ephemeral_5m_input_tokens: 15, ephemeral_1h_input_tokens: 5 },
      server_tool_use: { web_search_requests: 2 },
    },
    { input: 70, output: 50, cached: 40, reasoning: 0, cacheWritten: 20, cacheWrittenHour: 5, webSearches: 2 },
  ],
  [
    'a transcript by tokens',
    { type: 'tokens', input_tokens: 14, output_tokens: 45, input_token_details: { text_tokens: 0, audio_tokens: 14 } },
    { input: 14, output: 45, cached: 0, reasoning: 0, inputAudio: 14 },
  ],
  [
    'a transcript by the length of its sound',
    { type: 'duration', seconds: 9.4 },
    { input: 0, output: 0, cached: 0, reasoning: 0, inputAudioMs: 9_400 },
  ],
])('the counts of %s', (_, usage, read) => {
  expect(readTokenUsage(usage)).toEqual(read)
})

test('counts of a message grow as it goes on, and what is not said again stays', () => {
  const start = readTokenUsage({
    input_tokens: 10,
    output_tokens: 1,
    cache_read_input_tokens: 4,
    cache_creation_input_tokens: 6,
  })
  expect(readTokenUsage({ output_tokens: 90 }, start)).toEqual({
    input: 20,
    output: 90,
    cached: 4,
    reasoning: 0,
    cacheWritten: 6,
  })
  expect(readTokenUsage({ input_tokens: 11, output_tokens: 91 }, start)).toMatchObject({ input: 21, output: 91 })
})

test.each([
  [{}],
  [{ prompt_tokens: -1, completion_tokens: 1 }],
  [{ prompt_tokens: 1.5, completion_tokens: 1 }],
  [{ prompt_tokens: Number.NaN, completion_tokens: 1 }],
  [{ prompt_tokens: '10', completion_tokens: 1 }],
  [{ prompt_tokens: 2 ** 60, completion_tokens: 1 }],
  [{ input_tokens: 10, output_tokens: -5 }],
  [{ prompt_tokens: 9e15, completion_tokens: 1 }],
  [{ prompt_tokens: 1, completion_tokens: 1_000_000_001 }],
  [{ input_tokens: Number.MAX_SAFE_INTEGER, output_tokens: 1, cache_read_input_tokens: Number.MAX_SAFE_INTEGER }],
  [{ type: 'duration', seconds: -1 }],
  [{ type: 'duration', seconds: Number.NaN }],
  [{ type: 'duration', seconds: 1e300 }],
])('counts that cannot be are none: %j', (usage) => {
  expect(readTokenUsage(usage)).toBeNull()
})

test('what two calls took is added up, count by count', () => {
  const one = { input: 1, output: 2, cached: 0, reasoning: 0, cacheWritten: 3 }
  const two = { input: 10, output: 20, cached: 5, reasoning: 6, webSearches: 1 }
  expect(sumOfUsage(one, two)).toEqual({
    input: 11,
    output: 22,
    cached: 5,
    reasoning: 6,
    cacheWritten: 3,
    webSearches: 1,
  })
})
