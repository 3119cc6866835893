import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { EditorView } from '@codemirror/view'
import { tags } from '@lezer/highlight'

const look = EditorView.theme({
  '&': { backgroundColor: 'var(--surface)', color: 'var(--fg)', fontSize: '13px' },
  // The frame around the editor shows the focus: gutters would cover an outline in here.
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--font-geist-mono)', lineHeight: '1.6', overflow: 'auto' },
  '.cm-content': { caretColor: 'var(--fg)', paddingBlock: '10px' },
  '.cm-cursor': { borderLeftColor: 'var(--fg)' },
  '.cm-gutters': { backgroundColor: 'var(--sunken)', color: 'var(--fg-muted)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--hover)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--selected) !important' },
  '.cm-tooltip': { backgroundColor: 'var(--raised)', color: 'var(--fg)', border: '1px solid var(--border)' },
  '.cm-panels': { backgroundColor: 'var(--sunken)', color: 'var(--fg)', borderColor: 'var(--border)' },
  '.cm-textfield': { backgroundColor: 'var(--surface)', border: '1px solid var(--border-input)', color: 'var(--fg)' },
  '.cm-button': {
    backgroundColor: 'var(--surface)',
    backgroundImage: 'none',
    border: '1px solid var(--border-input)',
    color: 'var(--fg)',
  },
  '.cm-searchMatch, .cm-selectionMatch': { backgroundColor: 'var(--warn-soft)' },
  '.cm-searchMatch-selected': { backgroundColor: 'var(--warn-border)' },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--selected)' },
  '.cm-foldPlaceholder': { backgroundColor: 'var(--sunken)', borderColor: 'var(--border)', color: 'var(--fg-muted)' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--danger)' },
  '.cm-diagnostic-warning': { borderLeftColor: 'var(--warn-border)' },
  '.cm-collapsedLines': { background: 'var(--sunken)', color: 'var(--fg-muted)', padding: '2px 10px' },
  '.cm-collapsedLines:before, .cm-collapsedLines:after': { content: '"···"' },
  '&.cm-merge-b .cm-deletedChunk, .cm-deletedChunk': { backgroundColor: 'var(--block-soft)' },
  '&.cm-merge-b .cm-changedLine': { backgroundColor: 'var(--allow-soft)' },
  '&.cm-merge-b .cm-changedText, &.cm-merge-b .cm-deletedChunk .cm-deletedText': {
    background: 'none',
    fontWeight: '600',
    textDecoration: 'underline',
  },
  '&.cm-merge-b .cm-changedLineGutter': { background: 'var(--allow)' },
  '&.cm-merge-b .cm-deletedLineGutter': { background: 'var(--block)' },
})

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--ok-text)' },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: 'var(--flag-text)' },
  { tag: tags.comment, color: 'var(--fg-muted)', fontStyle: 'italic' },
])

/** The console's own colours, which follow its theme, in place of the editor's. */
export const editorTheme = [look, syntaxHighlighting(colours)]
