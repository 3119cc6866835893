import type { NamedTerm } from './mechanisms/term-search'

/** Words that make an answer worth a second look; most answers with them are fine. Topics as in common moderation taxonomies. */
const BY_TOPIC: Readonly<Record<string, readonly string[]>> = {
  self_harm: [
    'suicide',
    'suicidal',
    'self-harm',
    'self harm',
    'kill myself',
    'cutting myself',
    'overdose',
    'eating disorder',
  ],
  violence: ['kill', 'murder', 'assault', 'torture', 'massacre', 'behead', 'shooting', 'stabbing', 'bomb', 'explosive'],
  weapons: ['firearm', 'ghost gun', 'silencer', 'ammunition', 'grenade', 'detonator', 'pipe bomb'],
  drugs: ['methamphetamine', 'heroin', 'cocaine', 'fentanyl', 'drug dealer', 'synthesize mdma'],
  hate: ['racial slur', 'subhuman', 'ethnic cleansing', 'white supremacy', 'master race', 'genocide'],
  sexual: ['pornography', 'sexual act', 'nude', 'explicit sexual', 'sexual abuse', 'rape'],
  fraud: [
    'phishing email',
    'identity theft',
    'money laundering',
    'counterfeit',
    'credit card fraud',
    'fake invoice',
    'ponzi',
  ],
  intrusion: ['malware', 'ransomware', 'keylogger', 'exploit code', 'reverse shell', 'sql injection payload'],
}

export const REVIEW_TOPICS = Object.keys(BY_TOPIC)

export const REVIEW_TERMS: readonly NamedTerm[] = Object.entries(BY_TOPIC).flatMap(([topic, texts]) =>
  texts.map((text) => ({ rule: topic, text })),
)
