import type { ProviderAdapter } from '../adapter'
import { answer, ConverseReader } from './answer'
import { BEDROCK_EMBEDDINGS } from './embeddings'
import { bedrockError } from './error'
import { CONVERTS, request } from './request'

export const BEDROCK: ProviderAdapter = {
  name: 'bedrock',
  title: 'AWS Bedrock',
  baseUrl: 'https://bedrock-runtime.{region}.amazonaws.com',
  env: 'AWS_SECRET_ACCESS_KEY',
  auth: 'aws_sigv4',
  headers: {},
  passes: [],
  native: [],
  path: () => '',
  adjust: () => null,
  asksForUsage: false,
  chat: {
    converts: CONVERTS,
    framing: 'aws_event_stream',
    request,
    answer,
    reader: (call) => new ConverseReader(call),
  },
  embeddings: BEDROCK_EMBEDDINGS,
  error: bedrockError,
}
