import { EditorState, type Extension } from '@codemirror/state'
import { hoverTooltip } from '@codemirror/view'
import { policyConfigJsonSchema } from '@/lib/policy/json-schema'
import { meaningAt, offersAt } from './schema-completion'

/** As much of CodeMirror's completion context as is asked for here. */
type Context = { state: EditorState; pos: number; explicit: boolean }

/** Completion and explanations from the published schema, for the editor of a policy-config.yaml. */
export function schemaAssistance(): Extension {
  const schema = policyConfigJsonSchema()

  function complete({ state, pos, explicit }: Context) {
    const found = offersAt(state.doc.toString(), pos, schema)
    if (!found || (found.from === pos && !explicit)) return null
    return {
      from: found.from,
      validFor: /^[\w.-]*$/,
      options: found.offers.map(({ label, insert, detail, info, isKey }) => ({
        label,
        apply: insert,
        detail,
        info: info || undefined,
        type: isKey ? 'property' : 'enum',
      })),
    }
  }

  const explain = hoverTooltip((view, pos) => {
    const found = meaningAt(view.state.doc.toString(), pos, schema)
    if (!found) return null
    const create = () => {
      const dom = document.createElement('div')
      dom.className = 'max-w-md whitespace-pre-line p-2 text-sm'
      dom.textContent = found.text
      return { dom }
    }
    return { pos: found.from, end: found.to, above: true, create }
  })

  return [EditorState.languageData.of(() => [{ autocomplete: complete }]), explain]
}
