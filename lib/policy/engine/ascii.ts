/** Text that normalisation only has to put into lower case: printable ASCII, tab and line ends. */
export const isPlainAscii = (text: string): boolean => PLAIN.test(text)

const PLAIN = /^[\t\n\r\x20-\x7e]*$/
