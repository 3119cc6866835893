import type { FirstStart } from './first-start'

type Options = {
  publicUrl: string
  gatewayPort: number
  logsDirectory: string
  readyMs: number
  /** Shown once, after the start that made them. */
  first: FirstStart | undefined
}

/** What a start ends with: where things are and the first request, ready to paste. */
export function printBanner({ publicUrl, gatewayPort, logsDirectory, readyMs, first }: Options): void {
  const gatewayUrl = `http://localhost:${gatewayPort}`
  const lines = [
    '',
    `Keeptrusts is ready (${(readyMs / 1_000).toFixed(1)} s).`,
    '',
    `  Console        ${publicUrl}`,
    ...(first
      ? [
          `  Administrator  ${first.admin_email}`,
          `  Password       ${first.admin_password ?? 'the one in KEEPTRUSTS_ADMIN_PASSWORD'}`,
        ]
      : []),
    `  Gateway        ${gatewayUrl}`,
    ...(first?.gateway_key ? [`  Gateway key    ${first.gateway_key}`] : []),
    `  Logs           ${logsDirectory}`,
    ...(first ? ['', '  Keep the password and the key: they are shown this once.'] : []),
    '',
    'A governed request:',
    '',
    curlOf(gatewayUrl),
    '',
    'Ctrl-C stops everything.',
    '',
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

const curlOf = (gatewayUrl: string) => `curl -fsS ${gatewayUrl}/v1/chat/completions \\
-H "Content-Type: application/json" \\
-d '{
"model": "gpt-5.4-mini",
"messages": [
{"role": "user", "content": "Summarize the latest blocked decisions."}
]
}'`
