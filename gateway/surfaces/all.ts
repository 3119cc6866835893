import { CHAT_COMPLETIONS } from './chat-completions'
import { MESSAGES } from './messages'
import { RESPONSES } from './responses'
import type { Surface } from './surface'

export const SURFACES: readonly Surface[] = [CHAT_COMPLETIONS, MESSAGES, RESPONSES]
