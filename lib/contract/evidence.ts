import { z } from 'zod'
import { endpoint, file } from './endpoint'
import { displayName } from './fields'
import { count, hex256 } from './trail-shapes'

const proof = z.array(z.string()).describe('Base64, in the order of RFC 6962.')

/** lib/trail/bundle.ts on the wire. docs/trail-format.md says what each part proves and how. */
const EvidenceBundle = z.object({
  version: z.literal(1),
  org: z.string(),
  origin: z.string(),
  request_id: z.string(),
  events: z.array(
    z.object({
      seq: count,
      leaf_index: count,
      /** The exact text that was hashed. */
      line: z.string(),
      proof,
    }),
  ),
  payloads: z.array(
    z.object({
      event_id: z.string(),
      part: z.enum(['request', 'response']),
      state: z.enum(['kept', 'erased']),
      /** Base64; null unless the content is handed over: with it, short content could be guessed. */
      salt: z.string().nullable(),
      content_sha256: hex256,
      /** Name in the archive; null when the bytes are not in it. */
      file: z.string().nullable(),
    }),
  ),
  digests: z.array(z.object({ digest_id: z.string(), number: count, body: z.string(), signature: z.string(), proof })),
  /** C2SP signed note. */
  checkpoint: z.string(),
  keys: z.array(
    z.object({
      kid: z.string(),
      public_key: z.string(),
      not_before: z.string(),
      not_after: z.string().nullable(),
      predecessor_kid: z.string().nullable(),
      predecessor_signature: z.string().nullable(),
    }),
  ),
})

const requestId = z.string().min(1).max(128)
const treeSize = z.coerce
  .number()
  .int()
  .min(1)
  .max(Number.MAX_SAFE_INTEGER)
  .optional()
  .describe(
    'Proves inclusion in the checkpoint of this size, such as one that you keep; else in the first of the present key that covers.',
  )

const HASH = 'XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg='
const ORG = 'org_019a6f0e1c2d7000a1b2c3d4e5f60718'
const KID = 'd6b3aa6d1f5e0c6a7f8f3f7ec1a9a3de'

export const evidence = {
  get: endpoint({
    name: 'evidence.get',
    method: 'GET',
    path: '/v1/evidence/:request_id',
    access: 'trail:read',
    input: z.strictObject({ request_id: requestId, tree_size: treeSize }),
    output: EvidenceBundle,
    summary: 'What proves what was recorded about one request, to somebody who trusts nothing but a fingerprint',
    description:
      'Records that no digest covers yet are signed first, at most once a minute; in between the answer is 409 with `Retry-After`. Needs `events:read` as well.',
    example: {
      input: { request_id: 'req_019a6f0e1c2d7000a1b2c3d4e5f60718' },
      output: {
        version: 1,
        org: ORG,
        origin: `keeptrusts/${ORG}`,
        request_id: 'req_019a6f0e1c2d7000a1b2c3d4e5f60718',
        events: [{ seq: 42, leaf_index: 41, line: '{"agent_id":null,...}', proof: [HASH] }],
        payloads: [],
        digests: [
          {
            digest_id: 'dig_019a6f0e1c2d7000a1b2c3d4e5f60718',
            number: 7,
            body: '{"alg":"Ed25519",...}',
            signature: 'b2Zf...',
            proof: [],
          },
        ],
        checkpoint: `keeptrusts/${ORG}\n60\n${HASH}\n\n— keeptrusts/${ORG} 1rOqbQ...\n`,
        keys: [
          {
            kid: KID,
            public_key: 'MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=',
            not_before: '2026-04-01T00:00:00.000000Z',
            not_after: null,
            predecessor_kid: null,
            predecessor_signature: null,
          },
        ],
      },
    },
  }),
  archive: endpoint({
    name: 'evidence.archive',
    method: 'GET',
    path: '/v1/evidence/:request_id/bundle.zip',
    access: 'trail:read',
    answers: 'file',
    input: z.strictObject({
      request_id: requestId,
      tree_size: treeSize,
      payloads_for: displayName
        .optional()
        .describe(
          'A reason: the archive then holds the captured content too, and the reason is recorded. Needs `payloads:read`.',
        ),
    }),
    output: file,
    summary: 'The same as an archive, which `kt verify` and the page /verify check offline',
    description:
      'The same bundle is the same bytes. Whoever takes one leaves an entry in the activity. Needs `events:read` as well.',
    example: { input: { request_id: 'req_019a6f0e1c2d7000a1b2c3d4e5f60718' }, output: 'PK...' },
  }),
}
