import { describe, expect, test } from 'vitest'
import { csvRecords } from './csv'

const cellsOf = (text: string) => [...csvRecords(text)].map(({ cells }) => cells)
const linesOf = (text: string) => [...csvRecords(text)].map(({ line }) => line)

describe('a CSV text', () => {
  test.each(['\n', '\r\n', '\r'])('has rows whichever way its lines end: %j', (end) => {
    expect(cellsOf(['a,b', '1,', '', ',2', ''].join(end))).toEqual([['a', 'b'], ['1', ''], [''], ['', '2']])
    expect(linesOf(['a,b', '"1', '2",3', 'x,y'].join(end))).toEqual([1, 2, 4])
  })

  test('has cells with commas, quotes and line endings in quotes, and may lack its last line ending', () => {
    expect(cellsOf('"a, b","say ""yes""","two\nlines"\n1,a"b"c,"d"e')).toEqual([
      ['a, b', 'say "yes"', 'two\nlines'],
      ['1', 'a"b"c', 'de'],
    ])
    expect(cellsOf('\uFEFFa,')).toEqual([['a', '']])
    expect(cellsOf('')).toEqual([])
    expect(cellsOf('"","",\n')).toEqual([['', '', '']])
  })

  test('says in which row a quote is never closed', () => {
    const records = [...csvRecords('a,b\n1,"x\n2,y\n3,""z\n')]
    expect(records.map(({ line, isCutOff }) => [line, isCutOff])).toEqual([
      [1, false],
      [2, true],
    ])
    expect(records[1]?.cells).toEqual(['1', 'x\n2,y\n3,"z\n'])
  })
})
