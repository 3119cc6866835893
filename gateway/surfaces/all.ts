import { CHAT_COMPLETIONS } from './chat-completions'
import { MESSAGES } from './messages'
import { RESPONSES } from './responses'
import type { Surface } from './surface'
import { EMBEDDINGS, SPEECH, TRANSCRIPTIONS } from './without-chat'

export const SURFACES: readonly Surface[] = [CHAT_COMPLETIONS, MESSAGES, RESPONSES, EMBEDDINGS, TRANSCRIPTIONS, SPEECH]
