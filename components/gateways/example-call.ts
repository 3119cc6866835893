/** A governed request that can be pasted: the gateway's own address, the key in a variable. */
export const exampleCall = (gatewayUrl: string) => `curl -fsS ${gatewayUrl}/v1/chat/completions \\
  -H "Authorization: Bearer $KEEPTRUSTS_GATEWAY_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": "Hello"}]}'`
