import { CHAT_COMPLETIONS } from './chat-completions'
import type { Surface } from './surface'

export const SURFACES: readonly Surface[] = [CHAT_COMPLETIONS]
