// Makes lib/prices/litellm-models.json: the most tokens that models answer with, by provider and name; of providers that
// keep something of earlier requests or look things up by themselves, the most that models read; and of providers that are
// asked for another service tier, what that costs.
//
//   pip download litellm --no-deps && unzip litellm-*.whl -d litellm
//   node scripts/litellm-models.mjs litellm/litellm/model_prices_and_context_window_backup.json 1.109.1
//
// Source: LiteLLM (PyPI `litellm`), its list of models; MIT licence, Copyright (c) 2023 Berri AI, whose text goes into the
// file. A name is kept without the prefix that LiteLLM puts before it. Left out are models that bill no tokens of text, and
// those whose bound is no less than what they read: that is their context window, and says nothing of their answers.
import { readFileSync, writeFileSync } from 'node:fs'

const [path, version] = process.argv.slice(2)
if (path === undefined || version === undefined) {
  console.error('usage: node scripts/litellm-models.mjs FILE VERSION')
  process.exit(2)
}

/** Theirs, and ours. */
const PROVIDERS = {
  openai: 'openai',
  'text-completion-openai': 'openai',
  azure: 'azure-openai',
  anthropic: 'anthropic',
  gemini: 'google',
  bedrock: 'bedrock',
  bedrock_converse: 'bedrock',
  mistral: 'mistral',
  cohere: 'cohere',
  cohere_chat: 'cohere',
  groq: 'groq',
  together_ai: 'together',
  fireworks_ai: 'fireworks',
  deepseek: 'deepseek',
  xai: 'xai',
  openrouter: 'openrouter',
  perplexity: 'perplexity',
}
/** Before a name there may be the provider, and of Azure and Bedrock a region. */
const PREFIX =
  /^(?:azure|gemini|bedrock|mistral|cohere|groq|together_ai|fireworks_ai|deepseek|xai|openrouter|perplexity)\//
const REGION = /^(?:[a-z]{2}(?:(?:-[a-z]+)+-\d)?|global|global-standard|invoke|claude_platform)\//
const MODES = ['chat', 'completion', 'responses']
const CAP_MAX = 10_000_000

/** That read what is not in the request. */
const KEEPERS = ['openai', 'azure-openai', 'anthropic', 'groq', 'mistral', 'perplexity', 'xai']

/** To which a caller's `service_tier` goes on. */
const TIERED = ['openai', 'azure-openai', 'groq', 'xai', 'fireworks']
const SERVICE_TIERS = ['flex', 'priority']
/** What LiteLLM calls units, and we. */
const UNITS = {
  input_cost_per_token: 'input',
  cache_read_input_token_cost: 'cached_input',
  cache_creation_input_token_cost: 'cache_write',
  input_cost_per_audio_token: 'input_audio',
  output_cost_per_token: 'output',
}
const THRESHOLDS = [0, 128, 200, 256, 272]

const found = {}
const foundWindows = {}
const foundTiers = {}
const keep = (by, provider, name, tokens) => {
  by[provider] ??= new Map()
  // What is said twice differently may be the greater.
  by[provider].set(name, Math.max(tokens, by[provider].get(name) ?? 0))
}
for (const [key, model] of Object.entries(JSON.parse(readFileSync(path, 'utf8')))) {
  const provider = PROVIDERS[model.litellm_provider]
  const { max_output_tokens: cap, max_input_tokens: window } = model
  if (provider === undefined || !MODES.includes(model.mode)) continue
  let name = key.replace(PREFIX, '').toLowerCase()
  const isRegional = (provider === 'azure-openai' || provider === 'bedrock') && REGION.test(name)
  if (isRegional) name = name.replace(REGION, '').replace(REGION, '')
  const isCount = (tokens) => Number.isInteger(tokens) && tokens >= 1 && tokens <= CAP_MAX
  if (isCount(window) && KEEPERS.includes(provider)) keep(foundWindows, provider, name, window)
  if (isCount(cap) && cap < (window ?? Number.POSITIVE_INFINITY)) keep(found, provider, name, cap)
  const tiers = TIERED.includes(provider) && !isRegional ? tiersOf(model) : []
  if (tiers.length === 0) continue
  foundTiers[provider] ??= new Map()
  const { input, output } = pricesOf(model, '')
  foundTiers[provider].set(name, { usual: { input, output }, tiers })
}

/** By the million. */
function pricesOf(model, suffix) {
  const prices = {}
  for (const [theirs, ours] of Object.entries(UNITS)) {
    const usd = model[theirs + suffix]
    if (typeof usd === 'number') prices[ours] = String(Math.round(usd * 1e15) / 1e9)
  }
  return prices
}

/** As a price has them, with what differs from the usual price alone. */
function tiersOf(model) {
  return SERVICE_TIERS.flatMap((service_tier) =>
    THRESHOLDS.flatMap((thousands) => {
      const above = thousands === 0 ? '' : `_above_${thousands}k_tokens`
      const prices = pricesOf(model, `${above}_${service_tier}`)
      return Object.keys(prices).length === 0 ? [] : [{ service_tier, above_input_tokens: thousands * 1_000, prices }]
    }),
  )
}

/** By provider, then by number: names behind one another, of which none has a blank. */
function listed(by) {
  const all = {}
  for (const provider of Object.keys(by).sort()) {
    const names = {}
    for (const [name, tokens] of [...by[provider]].sort(([a], [b]) => (a < b ? -1 : 1))) {
      names[tokens] = names[tokens] === undefined ? name : `${names[tokens]} ${name}`
    }
    all[provider] = names
  }
  return all
}

/** By provider: what models with the same tiers are called, and what else they cost. */
function tiersListed() {
  const all = {}
  for (const provider of Object.keys(foundTiers).sort()) {
    const names = new Map()
    for (const [name, said] of [...foundTiers[provider]].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const key = JSON.stringify(said)
      names.set(key, [...(names.get(key) ?? []), name])
    }
    all[provider] = [...names].map(([key, same]) => ({ names: same.join(' '), ...JSON.parse(key) }))
  }
  return all
}
const source = `LiteLLM ${version}, model_prices_and_context_window_backup.json; made by scripts/litellm-models.mjs`
const licence = `MIT License

Copyright (c) 2023 Berri AI

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`
writeFileSync(
  new URL('../lib/prices/litellm-models.json', import.meta.url),
  `${JSON.stringify({ source, licence, caps: listed(found), windows: listed(foundWindows), service_tiers: tiersListed() }, null, 2)}\n`,
)
