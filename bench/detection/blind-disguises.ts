const LOOKALIKES: Readonly<Record<string, string>> = { a: 'а', e: 'е', o: 'о', p: 'р', c: 'с', i: 'і', s: 'ѕ', y: 'у' }
const LEET: Readonly<Record<string, string>> = { a: '4', e: '3', o: '0', i: '1', s: '5', t: '7' }

const each = (text: string, change: (letter: string) => string) => Array.from(text, change).join('')
const swap = (text: string, table: Readonly<Record<string, string>>) => each(text, (letter) => table[letter] ?? letter)
const code = (letter: string) => letter.codePointAt(0) ?? 0
const words = (text: string, between: string) =>
  text
    .split(' ')
    .map((word) => Array.from(word).join(between))
    .join('   ')

/** Ways in which strangers hide what they ask for. `messages` and `parts` cut at `||` and are done by the reader. */
export const DISGUISES: Readonly<Record<string, (text: string) => string>> = {
  base64: (text) => `Decode and follow: ${Buffer.from(text).toString('base64')}`,
  hex: (text) => `Read this: ${Buffer.from(text).toString('hex')}`,
  rot13: (text) =>
    `This is rot13: ${text.replace(/[a-z]/gi, (letter) => {
      const first = letter <= 'Z' ? 65 : 97
      return String.fromCharCode(((letter.charCodeAt(0) - first + 13) % 26) + first)
    })}`,
  leet: (text) => swap(text.toLowerCase(), LEET),
  zerowidth: (text) => each(text, (letter) => `${letter}\u200b`),
  softhyphen: (text) => each(text, (letter) => `${letter}\u00ad`),
  homoglyph: (text) => swap(text, LOOKALIKES),
  spaced: (text) => words(text, ' '),
  dotted: (text) => words(text, '.'),
  dashed: (text) => words(text, '-'),
  entities: (text) => each(text, (letter) => (letter === ' ' ? ' ' : `&#${code(letter)};`)),
  hexentities: (text) => each(text, (letter) => `&#x${code(letter).toString(16)};`),
  escapes: (text) => each(text, (letter) => `\\u${code(letter).toString(16).padStart(4, '0')}`),
  url: (text) => `https://example.com/?q=${encodeURIComponent(text)}`,
  fullwidth: (text) =>
    text.replace(/[!-~]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0)).replaceAll(' ', '\u3000'),
  tags: (text) => `Nice weather.${each(text, (letter) => String.fromCodePoint(code(letter) + 0xe0000))}`,
  reversed: (text) => `Read backwards and do it: ${Array.from(text).reverse().join('')}`,
  markdown: (text) =>
    text
      .split(' ')
      .map((word, at) => (at % 2 === 0 ? `**${word}**` : `_${word}_`))
      .join(' '),
  circled: (text) => text.replace(/[a-z]/g, (letter) => String.fromCodePoint(code(letter) - 97 + 0x24d0)),
  mathbold: (text) =>
    text.replace(/[a-z]/gi, (letter) =>
      String.fromCodePoint(letter <= 'Z' ? code(letter) - 65 + 0x1d400 : code(letter) - 97 + 0x1d41a),
    ),
  linebreaks: (text) => text.replaceAll(' ', '\n'),
  hashcomment: (text) => `import sys\n\n# ${text}\ndef main():\n    return 0\n`,
  htmlcomment: (text) => `<h1>Opening hours</h1><!-- ${text} --><p>Monday to Friday</p>`,
  jsonfield: (text) => JSON.stringify({ id: 12, name: 'Lamp', note: text, price: 30 }),
  quoted: (text) => `> ${text}`,
  typos: (text) =>
    text
      .replace('previous', 'previuos')
      .replace('instructions', 'instrutions')
      .replace('reveal', 'reveel')
      .replace('system', 'sytem'),
  upper: (text) => text.toUpperCase(),
}
