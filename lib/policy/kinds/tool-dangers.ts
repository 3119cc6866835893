import ipaddr from 'ipaddr.js'

export const TOOL_DANGERS = ['shell_injection', 'path_traversal', 'ssrf', 'sql_injection'] as const
export type ToolDanger = (typeof TOOL_DANGERS)[number]

/** The first danger in an argument of a tool; null when there is none. Linear in the text. */
export function dangerIn(text: string, dangers: readonly ToolDanger[] = TOOL_DANGERS): ToolDanger | null {
  const forms = formsOf(text)
  return dangers.find((danger) => forms.some((form) => TESTS[danger](form))) ?? null
}

/** As written, and as it reads once `%2e` and the like are undone, twice: `%252e` is the usual way around a filter. */
function formsOf(text: string): string[] {
  const plain = text.normalize('NFKC')
  const once = percentDecoded(plain)
  const twice = percentDecoded(once)
  return [...new Set([plain, once, twice])]
}

const percentDecoded = (text: string) =>
  text.includes('%')
    ? text.replace(/%([0-7][0-9a-fA-F])/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : text

const TESTS: Record<ToolDanger, (text: string) => boolean> = {
  shell_injection: (text) => SHELL.some((pattern) => pattern.test(text)),
  path_traversal: (text) => PATHS.some((pattern) => pattern.test(text)),
  ssrf: (text) => leadsInside(text),
  sql_injection: (text) => SQL.some((pattern) => pattern.test(text)),
}

// In all patterns below repeats are bounded and follow a literal, so no text takes more than linear time.

const COMMAND =
  '(?:/(?:usr/)?(?:s?bin)/)?(?:rm|sh|bash|zsh|dash|ksh|curl|wget|nc|ncat|netcat|cat|ls|id|whoami|uname|chmod|chown|sudo|su|python[23]?|perl|ruby|node|php|powershell|pwsh|cmd|certutil|ping|nslookup|dig|kill|dd|mkfs|env|printenv|echo|sleep|touch|mv|cp|scp|ssh|tee|eval|exec|base64|xargs|reboot|shutdown|socat|telnet|mkfifo|crontab)'

const SHELL: readonly RegExp[] = [
  new RegExp(`(?:;|&&|\\|\\|?|\\n|&)[ \\t]{0,8}${COMMAND}(?:[ \\t]{1,8}[-/~.$'"\\w]|[ \\t]{0,8}(?:$|[;|&\\n<>]))`, 'i'),
  new RegExp(`\\$\\([ \\t]{0,8}${COMMAND}\\b`, 'i'),
  new RegExp(`\`[ \\t]{0,8}${COMMAND}(?:[ \\t][^\`\\n]{0,400})?\``, 'i'),
  /\brm[ \t]{1,8}-(?:[a-z]{0,6}r[a-z]{0,6}f|[a-z]{0,6}f[a-z]{0,6}r|r[ \t]{1,8}-f|f[ \t]{1,8}-r)[a-z]{0,6}[ \t]{1,8}(?:--no-preserve-root|[/~*$.])/i,
  /\/dev\/(?:tcp|udp)\//i,
  /\$\{IFS\}|\$IFS\b/,
  /:\(\)[ \t]{0,4}\{[ \t]{0,4}:[ \t]{0,4}\|[ \t]{0,4}:/,
  /\b(?:bash|sh|zsh|cmd(?:\.exe)?|powershell|pwsh)[ \t]{1,8}(?:-c|-e|-enc|-encodedcommand|\/c)\b/i,
  />{1,2}[ \t]{0,8}\/(?:etc|dev\/sd|root|boot)\b/i,
]

const PATHS: readonly RegExp[] = [
  /(?:^|[\\/=:'"(\s,])\.\.[\\/]/,
  /(?:^|[\\/])\.\.$/,
  /\.\.;\//,
  /\u0000/,
  /(?:^|[\s='":(,])(?:file:\/{2,3}|\/)(?:etc\/(?:passwd|shadow|sudoers|ssh|hosts)|proc\/(?:self|\d{1,7})\/|root\/|var\/run\/secrets\/|run\/secrets\/)/i,
  /(?:~|\/home\/[\w.-]{1,64}|\/root|\/Users\/[\w.-]{1,64})\/\.(?:ssh|aws|kube|gnupg|docker|netrc|pgpass)\b/i,
  /\bC:[\\/]{1,2}Windows[\\/]{1,2}(?:System32|win\.ini)/i,
]

const SQL: readonly RegExp[] = [
  /['"][ \t)]{0,8}(?:or|and|\|\||&&)[ \t(]{1,8}(?:not[ \t(]{1,8})?(?:['"]?\w{1,40}['"]?)[ \t]{0,8}(?:=|<>|!=|<|>|like\b)[ \t]{0,8}['"]?\w{0,40}/i,
  /\b(?:or|and)[ \t(]{1,8}(\d{1,9})[ \t]{0,8}=[ \t]{0,8}\1\b/i,
  /['")][ \t)]{0,8}union[ \t\r\n]{1,8}(?:all[ \t\r\n]{1,8})?select\b/i,
  /\/\*!?\d{0,6}\*?\/?[ \t]{0,4}union\b|union\/\*/i,
  /['")]?[ \t]{0,8};[ \t\r\n]{0,8}(?:drop|truncate|alter)[ \t\r\n]{1,8}(?:table|database|schema|user|view|index)\b/i,
  /;[ \t\r\n]{0,8}(?:delete[ \t\r\n]{1,8}from|insert[ \t\r\n]{1,8}into|update[ \t\r\n]{1,8}\w{1,64}[ \t\r\n]{1,8}set|grant[ \t\r\n]{1,8}\w|exec(?:ute)?[ \t\r\n(]{1,8})/i,
  /'[ \t)]{0,8}(?:--|#|\/\*)(?:\s|$)/,
  /\b(?:xp_cmdshell|sp_oacreate|sp_executesql|load_file[ \t]{0,4}\(|into[ \t]{1,8}(?:out|dump)file|pg_read_file|pg_sleep[ \t]{0,4}\(|waitfor[ \t]{1,8}delay|dbms_pipe|utl_http|benchmark[ \t]{0,4}\([ \t]{0,4}\d|copy[ \t]{1,8}\w{1,64}[ \t]{1,8}(?:from|to)[ \t]{1,8}program)/i,
  /['"\d)][ \t]{0,8}(?:or|and)[ \t(]{1,8}sleep[ \t]{0,4}\(/i,
]

const ADDRESSES_MAX = 200
const ADDRESS =
  /\b(?:https?|ftp|gopher|dict|ldaps?|tftp|wss?|jar|netdoc|sftp|redis|mongodb|mysql|postgres(?:ql)?):\/{0,4}[^\s"'<>\\^`{|}]{1,2000}/gi
/** No public service speaks these; they reach databases and mail servers of the network. */
const INSIDE_SCHEME = /\b(?:gopher|dict|tftp|netdoc):\/\//i
const BARE_HOST =
  /^(?:\[[0-9a-f:.]{2,45}\]|\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,8}|localhost|metadata\.google\.internal)(?::\d{1,5})?(?:\/.{0,2000})?$/is
const BARE_IPV6 = /^[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,8}$/i
const LOCAL_NAME = /(?:^|\.)(?:localhost|local|internal|intranet|lan|home\.arpa|localdomain)$/
/** Public names that resolve to whatever address they contain. */
const REBINDING_NAME = /(?:^|\.)(?:nip\.io|sslip\.io|xip\.io|localtest\.me|lvh\.me|vcap\.me|rbndr\.us)$/

/** Whether a text holds an address that leads into the machine or its network, however it is written. */
function leadsInside(text: string): boolean {
  if (INSIDE_SCHEME.test(text)) return true
  let seen = 0
  for (const [address] of text.matchAll(ADDRESS)) {
    seen += 1
    // More addresses than anybody would send in good faith: what is not looked at is not called clean.
    if (seen > ADDRESSES_MAX) return true
    const url = parsed(address)
    if (url !== null && isInside(url.hostname)) return true
  }
  const bare = text.trim()
  if (!BARE_HOST.test(bare)) return false
  const url = parsed(`http://${BARE_IPV6.test(bare) ? `[${bare}]` : bare}`)
  return url !== null && isInside(url.hostname)
}

/** By the scheme `http`, whose parser undoes decimal, octal and hexadecimal spellings of IPv4. */
function parsed(address: string): URL | null {
  const asHttp = address.replace(/^[a-z]+:\/{0,4}/i, 'http://')
  return URL.canParse(asHttp) ? new URL(asHttp) : null
}

function isInside(hostname: string): boolean {
  const host = hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase()
  if (ipaddr.isValid(host)) return ipaddr.process(host).range() !== 'unicast'
  return LOCAL_NAME.test(host) || host === 'metadata' || REBINDING_NAME.test(host)
}
