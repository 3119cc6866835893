import { version } from '../package.json'

/** What this build calls itself: `kt --version`, the user-agent of the CLI and what a gateway reports. */
export const VERSION: string = version
