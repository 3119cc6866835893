import { AwsV4Signer } from 'aws4fetch'

export type AwsCredentials = { accessKeyId: string; secretAccessKey: string; sessionToken: string | null }

/**
 * The headers of Signature Version 4 for one POST of `body` to `url`: `authorization`, `x-amz-date` and, with temporary
 * credentials, `x-amz-security-token`. The request must be sent with exactly these bytes, this path and this host.
 */
export async function signedHeaders(
  url: URL,
  body: string,
  { accessKeyId, secretAccessKey, sessionToken }: AwsCredentials,
  region: string,
  nowMs: number,
): Promise<Record<string, string>> {
  const signer = new AwsV4Signer({
    method: 'POST',
    url: url.href,
    headers: { 'content-type': 'application/json' },
    body,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === null ? {} : { sessionToken }),
    service: 'bedrock',
    region,
    datetime: new Date(nowMs).toISOString().replace(/[:-]|\.\d{3}/g, ''),
  })
  const { headers } = await signer.sign()
  const signed: Record<string, string> = {}
  for (const [name, value] of headers) if (name !== 'host' && name !== 'content-type') signed[name] = value
  return signed
}
