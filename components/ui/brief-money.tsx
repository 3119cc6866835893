import { aboutText, moneyText } from './money'

/**
 * An amount among others, in a table whose rows open: to the cent, or two digits of what is less. The pointer, and what the row
 * opens, tell it exactly.
 */
export function BriefMoney({ usd }: { usd: string }) {
  const [brief, exact] = [aboutText(usd), moneyText(usd)]
  return brief === exact ? brief : <span title={exact}>{brief}</span>
}
