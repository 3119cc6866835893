'use client'

import { yaml as yamlLanguage } from '@codemirror/lang-yaml'
import { unifiedMergeView } from '@codemirror/merge'
import { EditorState } from '@codemirror/state'
import { EditorView, lineNumbers } from '@codemirror/view'
import { useEffect, useRef } from 'react'
import { editorTheme } from './editor-theme'

type VersionTextProps = {
  yaml: string
  /** The version before it; its differences are then drawn into the text. */
  before: string | null
}

export function VersionText({ yaml, before }: VersionTextProps) {
  const host = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!host.current) return
    const view = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: yaml,
        extensions: [
          lineNumbers(),
          yamlLanguage(),
          editorTheme,
          EditorState.readOnly.of(true),
          EditorView.contentAttributes.of({ 'aria-label': 'policy-config.yaml', tabindex: '0' }),
          EditorView.lineWrapping,
          before === null
            ? []
            : unifiedMergeView({ original: before, mergeControls: false, collapseUnchanged: { margin: 3 } }),
        ],
      }),
    })
    return () => view.destroy()
  }, [yaml, before])
  return <div ref={host} className="overflow-hidden rounded-md border" />
}
