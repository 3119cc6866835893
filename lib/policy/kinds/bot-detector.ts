import { z } from 'zod'
import { CLEAN, type PolicyKind } from '@/lib/policy/engine/policy'
import type { Caller } from '@/lib/policy/engine/subject'
import { finding } from './mechanisms/finding'
import { onError } from './mechanisms/setting-shapes'

/** Beginnings and parts of User-Agent in lower case, as the programs themselves send them. */
const AGENTS = {
  crawler: [
    'googlebot',
    'bingbot',
    'gptbot',
    'oai-searchbot',
    'chatgpt-user',
    'claudebot',
    'claude-web',
    'anthropic-ai',
    'ccbot',
    'perplexitybot',
    'bytespider',
    'amazonbot',
    'applebot',
    'yandexbot',
    'baiduspider',
    'duckduckbot',
    'facebookexternalhit',
    'meta-externalagent',
    'twitterbot',
    'linkedinbot',
    'semrushbot',
    'ahrefsbot',
    'mj12bot',
    'dotbot',
    'petalbot',
    'diffbot',
    'imagesiftbot',
    'omgili',
    'crawler',
    'spider',
    'scrapy',
    'archive.org_bot',
    'slurp',
  ],
  headless_browser: [
    'headlesschrome',
    'phantomjs',
    'puppeteer',
    'playwright',
    'selenium',
    'slimerjs',
    'electron-scraper',
    'splash',
  ],
  scanner: [
    'sqlmap',
    'nikto',
    'nmap',
    'masscan',
    'zgrab',
    'nuclei',
    'wpscan',
    'acunetix',
    'nessus',
    'openvas',
    'gobuster',
    'dirbuster',
    'feroxbuster',
    'burp',
    'zaproxy',
    'censysinspect',
    'shodan',
    'garak',
    'promptmap',
  ],
  http_tool: [
    'curl/',
    'wget/',
    'python-requests/',
    'python-urllib',
    'go-http-client',
    'libwww-perl',
    'java/',
    'okhttp/',
    'httpie/',
    'postmanruntime',
    'insomnia/',
  ],
} as const
type AgentClass = keyof typeof AGENTS
const CLASSES = ['crawler', 'headless_browser', 'scanner', 'http_tool'] as const satisfies readonly AgentClass[]

const agentNames = z.array(z.string().trim().min(2).max(200)).max(500).default([])

const Settings = z.strictObject({
  /** Kinds of programs to stop. Plain HTTP tools are not among them unless named: people test with them. */
  classes: z.array(z.enum(CLASSES)).max(CLASSES.length).default(['crawler', 'headless_browser', 'scanner']),
  /** Parts of User-Agent that are stopped as well, without regard to case. */
  blocked_agents: agentNames,
  /** Parts of User-Agent that always pass. */
  allowed_agents: agentNames,
  /** Official SDKs and browsers send a User-Agent; a caller without one hides. */
  require_user_agent: z.boolean().default(false),
  /** Whether callers with a verified identity pass unseen. */
  trust_verified: z.boolean().default(false),
  action: z.enum(['block', 'escalate', 'flag']).default('block'),
  on_error: onError,
})
type Settings = z.infer<typeof Settings>

const VERSION = '2026.1'

/** Crawlers, headless browsers and scanners do not spend an organisation's tokens. */
export const BOT_DETECTOR: PolicyKind<Settings> = {
  kind: 'bot-detector',
  version: VERSION,
  summary: 'Tells automated callers by their User-Agent and by headers that contradict it.',
  phases: ['input'],
  settings: Settings,
  needsBlock: false,
  compile(settings) {
    const blocked = [
      ...settings.classes.flatMap((name) => AGENTS[name].map((text) => ({ rule: name as string, text }))),
      ...own(settings.blocked_agents),
    ]
    const allowed = settings.allowed_agents.map((name) => name.toLowerCase())
    return {
      kind: 'bot-detector',
      version: VERSION,
      phases: this.phases,
      terms: [],
      onError: settings.on_error,
      streaming: { pendingFrom: (text) => text.length, lookBehind: 0 },
      explain: [
        `Tells ${settings.classes.join(', ') || 'the named programs'} by what they say about themselves. A bot that lies about itself is not found.`,
      ],
      bytesMax: 0,
      check({ subject: { caller } }) {
        if (settings.trust_verified && caller.identity === 'verified') return CLEAN
        const rule = signOf(caller, blocked, allowed, settings.require_user_agent)
        if (rule === null) return CLEAN
        const reasonCode = `bot.${rule}`
        if (settings.action === 'flag') return finding({ reasonCode, flags: [reasonCode] })
        return finding({
          verdict: settings.action,
          reasonCode,
          message: 'Automated callers of this kind are not served here.',
        })
      },
    }
  },
}

const own = (names: readonly string[]) => names.map((name) => ({ rule: 'blocked_agent', text: name.toLowerCase() }))

function signOf(
  { headers }: Caller,
  blocked: readonly { rule: string; text: string }[],
  allowed: readonly string[],
  isAgentRequired: boolean,
): string | null {
  const agent = (headers['user-agent'] ?? '').toLowerCase()
  if (agent === '') return isAgentRequired ? 'no_user_agent' : null
  if (allowed.some((name) => agent.includes(name))) return null
  const named = blocked.find(({ text }) => agent.includes(text))
  if (named) return named.rule
  // Chrome says in its client hints what its User-Agent hides.
  const isHeadless =
    blocked.some(({ rule }) => rule === 'headless_browser') && /headless/i.test(headers['sec-ch-ua'] ?? '')
  return isHeadless ? 'headless_browser' : null
}
