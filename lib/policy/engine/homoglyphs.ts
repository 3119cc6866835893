/**
 * Letters that are drawn like an ASCII letter. After Unicode TR 39, confusables.txt: the single-letter entries of the
 * scripts that are used to disguise Latin words. What NFKC folds itself (fullwidth, mathematical, circled, super- and
 * subscript letters, Roman numerals) is not listed.
 *
 * Cyrillic letters fold alike in both cases, so that Russian terms match whatever their case. Greek capitals fold by
 * their own look (Η is H, while η is n): disguised Latin is common, Greek in capitals rare.
 */
const LOOKALIKES: Readonly<Record<string, string>> = {
  // Cyrillic
  a: 'аАӑӐӓӒ',
  b: 'вВьЬ',
  c: 'сСҫҪ',
  d: 'ԁԀ',
  e: 'еЕёЁѐЀәӘҽҼєЄ',
  f: 'ғҒ',
  h: 'нНһҺңҢԋԊ',
  i: 'іІїЇ',
  j: 'јЈ',
  k: 'кКқҚҝҜ',
  l: 'ӏӀ',
  m: 'мМ',
  n: 'пПԥԤ',
  o: 'оОөӨӧӦ',
  p: 'рРҏҎ',
  q: 'ԛԚ',
  r: 'гГ',
  s: 'ѕЅ',
  t: 'тТҭҬ',
  v: 'ѵѴ',
  w: 'ԝԜшШ',
  x: 'хХҳҲ',
  y: 'уУүҮұҰўЎ',
  z: 'ԅ',
}

const GREEK: Readonly<Record<string, string>> = {
  a: 'αΑάΆ',
  b: 'βΒ',
  e: 'εΕέΈ',
  h: 'Η',
  i: 'ιΙίΊϊΪ',
  j: 'ϳͿ',
  k: 'κΚ',
  m: 'Μ',
  n: 'ηΝ',
  o: 'οΟόΌσ',
  p: 'ρΡ',
  t: 'τΤ',
  u: 'υύ',
  v: 'ν',
  w: 'ωώ',
  x: 'χΧ',
  y: 'γΥΎ',
  z: 'Ζ',
}

/** Latin letters outside ASCII, Armenian, Cherokee, Lisu and squared letters. */
const OTHERS: Readonly<Record<string, string>> = {
  a: 'ɑᴀⱥȺᎪꓮ🅰',
  b: 'ʙƀɓᏴꓐ🅱',
  c: 'ᴄƈȼᏟꓚ',
  d: 'ᴅđɗᎠꓓժ',
  e: 'ᴇɛəɇᎬꓰҿ',
  f: 'ꜰƒꓝ',
  g: 'ɡɢǥɠᏀꓖցǤ',
  h: 'ʜħɦᎻꓧհ',
  i: 'ıɪɨᎥ',
  j: 'ᴊɉᎫꓙյ',
  k: 'ᴋƙᏦꓗ',
  l: 'ʟłƚɫᏞꓡŁ',
  m: 'ᴍᎷꓟ',
  n: 'ɴŋɲꓠոռ',
  o: 'ᴏøɵᴑꓳօØ🅾',
  p: 'ᴘƥᏢꓑ🅿',
  q: 'ɋզ',
  r: 'ʀɍɾᎡꓣ',
  s: 'ꜱʂᏚꓢ',
  t: 'ᴛŧƭᎢꓔ',
  u: 'ᴜʉսꓴ',
  v: 'ᴠʋᏙꓦ',
  w: 'ᴡɯᎳꓪա',
  x: 'ꓫ',
  y: 'ʏɏƴꓬ',
  z: 'ᴢƶʐᏃꓜ',
}

/** By code point; the folded letter is in lower case. */
export const HOMOGLYPHS: ReadonlyMap<number, string> = new Map(
  [LOOKALIKES, GREEK, OTHERS].flatMap((table) =>
    Object.entries(table).flatMap(([ascii, letters]) =>
      [...letters].map((letter): [number, string] => [letter.codePointAt(0) ?? 0, ascii]),
    ),
  ),
)
