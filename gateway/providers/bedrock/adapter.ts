import type { ProviderAdapter } from '../adapter'
import { answer, ConverseReader } from './answer'
import { bedrockError } from './error'
import { CONVERTS, request } from './request'

export const BEDROCK: ProviderAdapter = {
  name: 'bedrock',
  title: 'AWS Bedrock',
  baseUrl: 'https://bedrock-runtime.{region}.amazonaws.com',
  env: 'AWS_BEARER_TOKEN_BEDROCK',
  auth: { header: 'authorization', prefix: 'Bearer ' },
  signs: 'aws_sigv4',
  headers: {},
  passes: [],
  native: [],
  path: () => '',
  adjust: () => null,
  chat: {
    converts: CONVERTS,
    framing: 'aws_event_stream',
    request,
    answer,
    reader: (call) => new ConverseReader(call),
  },
  embeddings: null,
  error: bedrockError,
}
