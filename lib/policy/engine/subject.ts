/** `input` is what the caller sends, `tool` a tool call before it is made or handed on, `output` what goes back. */
export type Phase = 'input' | 'tool' | 'output'

export type Role = 'system' | 'user' | 'assistant' | 'tool'

/** A place in a JSON document, as `Reflect.get` would walk it. */
export type JsonPath = readonly (string | number)[]

/**
 * One piece of content. Requests and answers are walked into parts, never stringified, so that a finding can be put back
 * exactly where it was found and what a policy saw can be said exactly.
 */
export type Part = {
  /** In the JSON body of its API shape; within the arguments of a tool call it continues into the parsed arguments. */
  path: JsonPath
  /**
   * `tool_result` is what comes from elsewhere, which includes the content of attached text files. A `label` is read by the
   * model but is no prose: names of functions and files, keys, values of a schema, addresses.
   */
  kind: 'text' | 'label' | 'tool_arguments' | 'tool_result' | 'image' | 'audio' | 'file'
  role: Role
  /** Index of the message it belongs to; -1 for what is outside messages. */
  message: number
  /** As it travels; empty for what is not text. */
  text: string
  /** Nothing else can be put in its place, such as a key or the name of a function: to redact it is to block. */
  isFixed?: true
  /** Of an image, audio or file: media type, size in bytes and address, as far as the request says. */
  media: {
    type: string | null
    bytes: number | null
    url: string | null
    name: string | null
    /** Base64, when the content itself is in the request. */
    data?: string
    /** Its content is text, and a part of its own. */
    isRead?: true
  } | null
}

/** A call that a model asked for, or that an MCP client makes. `parsed` is undefined when the arguments are no JSON. */
export type ToolCall = { id: string | null; name: string; arguments: string; parsed: unknown; path: JsonPath }

/** A tool that the request declares. */
export type DeclaredTool = { name: string; description: string | null; schema: unknown }

export type Caller = {
  identity: 'verified' | 'asserted' | 'anonymous'
  tokenId: string | null
  teamId: string | null
  userId: string | null
  agentId: string | null
  /** Without IPv4 mapping. */
  ip: string
  /** In lower case, as sent; secrets (`authorization`, `cookie`, `x-api-key`) are left out. */
  headers: Readonly<Record<string, string>>
}

/** What happened before in the same conversation, as far as this gateway remembers. Bounded. */
export type ConversationState = {
  /** Calls per tool, of those that were let through. */
  toolCalls: ReadonlyMap<string, number>
  /** Tokens and nano-dollars per tool. */
  toolTokens: ReadonlyMap<string, number>
  toolNanos: ReadonlyMap<string, bigint>
  /** Times (ms since the epoch) of recent calls per tool, newest last; at most a day back. */
  recentToolCalls: ReadonlyMap<string, readonly number[]>
  actions: number
  errors: number
  /** Sum of amounts moved today by tools, in the unit of their arguments. */
  transactionsToday: number
  /** A policy has ended it: it makes no more calls. */
  halted?: boolean
}

/** A provider target as policies see it. */
export type TargetFacts = {
  id: string
  provider: string
  dataPolicy: { zeroDataRetention: boolean; trainingOptOut: boolean; retentionDays: number | null }
}

/** Everything a policy may know. A value: nothing in it reaches outside. */
export type Subject = {
  phase: Phase
  /** Such as `openai_chat`. */
  apiShape: string
  model: string
  parts: readonly Part[]
  /** In the tool phase, those being decided; otherwise those found in the messages or in the answer. */
  toolCalls: readonly ToolCall[]
  tools: readonly DeclaredTool[]
  caller: Caller
  targets: readonly TargetFacts[]
  conversation: ConversationState | null
  /** What the walk into the body left out, such as token arrays; part of every policy's coverage. */
  skipped?: readonly { what: string; why: string }[]
  /** Of the output phase: the parts of the request it answers. */
  requestParts: readonly Part[]
}
