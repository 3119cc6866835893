'use client'

import { yaml } from '@codemirror/lang-yaml'
import { type Diagnostic as EditorDiagnostic, lintGutter, setDiagnostics } from '@codemirror/lint'
import { EditorState } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { basicSetup } from 'codemirror'
import { type RefObject, useEffect, useRef } from 'react'
import type { Diagnostic } from '@/lib/contract/configurations'
import { editorTheme } from './editor-theme'
import { schemaAssistance } from './schema-assistance'

export type YamlEditorProps = {
  initial: string
  onChange: (text: string) => void
  readOnly: boolean
  /** What is wrong with the text now; drawn where it is. */
  diagnostics: readonly Diagnostic[]
  /** Receives what moves the cursor to a line and column, both from 1. */
  jumpRef: RefObject<((line: number, column: number) => void) | null>
}

/** CodeMirror with YAML and our diagnostics. Loaded when a configuration is opened and not before. */
export function YamlEditor({ initial, onChange, readOnly, diagnostics, jumpRef }: YamlEditorProps) {
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(null)
  const found = useRef(diagnostics)
  const changed = useRef(onChange)
  changed.current = onChange

  useEffect(() => {
    if (!host.current) return
    const editor = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: initial,
        extensions: [
          basicSetup,
          yaml(),
          schemaAssistance(),
          editorTheme,
          lintGutter(),
          EditorState.readOnly.of(readOnly),
          EditorView.contentAttributes.of({ 'aria-label': 'policy-config.yaml', tabindex: '0' }),
          EditorView.lineWrapping,
          EditorView.updateListener.of((update) => {
            if (update.docChanged) changed.current(update.state.doc.toString())
          }),
        ],
      }),
    })
    view.current = editor
    show(editor, found.current)
    jumpRef.current = (line, column) => {
      const anchor = positionOf(editor, line, column)
      editor.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: 'center' }) })
      editor.focus()
    }
    return () => editor.destroy()
  }, [initial, readOnly, jumpRef])

  useEffect(() => {
    found.current = diagnostics
    if (view.current) show(view.current, diagnostics)
  }, [diagnostics])

  return (
    <div
      ref={host}
      className="overflow-hidden rounded-md border bg-surface outline-offset-2 outline-ring focus-within:outline-2 [&_.cm-editor]:max-h-[max(20rem,calc(100dvh-25rem))] [&_.cm-editor]:min-h-80"
    />
  )
}

/** Set rather than asked for: a linter of the editor asks only after its text has changed, before findings have come. */
function show(view: EditorView, diagnostics: readonly Diagnostic[]) {
  view.dispatch(
    setDiagnostics(
      view.state,
      diagnostics.map((diagnostic) => placed(view, diagnostic)),
    ),
  )
}

function placed(
  view: EditorView,
  { line, column, end_line, end_column, severity, message, suggestion }: Diagnostic,
): EditorDiagnostic {
  const from = positionOf(view, line, column)
  return {
    from,
    to: Math.max(from, positionOf(view, end_line, end_column)),
    severity,
    message: suggestion ? `${message} Did you mean ${suggestion}?` : message,
  }
}

/** The text may be newer than the finding, so a position outside of it means its nearest end. */
function positionOf({ state: { doc } }: EditorView, line: number, column: number): number {
  const at = doc.line(Math.min(Math.max(line, 1), doc.lines))
  return Math.min(at.from + Math.max(column - 1, 0), at.to)
}
