export const THEMES = ['light', 'dark', 'system'] as const
export type Theme = (typeof THEMES)[number]

/** Preferences that the first paint needs travel in cookies, so that the server renders them and no script has to. */
export const THEME_COOKIE = 'keeptrusts.theme'
export const SIDEBAR_COOKIE = 'keeptrusts.sidebar'

export const toTheme = (text: string | undefined): Theme => THEMES.find((theme) => theme === text) ?? 'system'

/** The Cookie Store API is missing on plain http, so the old way is the only one that works everywhere. */
export function rememberPreference(name: string, value: string) {
  Reflect.set(document, 'cookie', `${name}=${value}; Path=/; Max-Age=31536000; SameSite=Lax`)
}
