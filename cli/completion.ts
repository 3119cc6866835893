import { Argument, type Command } from 'commander'
import type { Io } from './io'

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

/** One command or group: `path` is `/tokens/create`, empty for `kt` itself. */
type Node = { path: string; commands: { name: string; summary: string }[]; options: Flag[] }
type Flag = { flag: string; summary: string; takesValue: boolean; choices: readonly string[] }

export function addCompletionCommand(io: Io, program: Command): void {
  program
    .command('completion')
    .description('Print a completion script, such as: source <(kt completion bash)')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action((shell: Shell) => void io.stdout.write(completionScript(shell, program)))
}

/** The script is made from the command tree, so it cannot know other commands than kt has. */
function completionScript(shell: Shell, program: Command): string {
  const nodes = walk(program, '')
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](nodes)
}

function walk(command: Command, path: string): Node[] {
  const help = command.createHelp()
  const children = help.visibleCommands(command).filter((child) => child.name() !== 'help')
  const node: Node = {
    path,
    commands: children.map((child) => ({ name: child.name(), summary: child.description() })),
    options: help.visibleOptions(command).flatMap((option) =>
      option.long
        ? {
            flag: option.long,
            summary: option.description,
            takesValue: option.required,
            choices: option.argChoices ?? [],
          }
        : [],
    ),
  }
  const shells = command.registeredArguments.flatMap((argument) => argument.argChoices ?? [])
  node.commands.push(...shells.map((name) => ({ name, summary: '' })))
  return [
    node,
    ...children.flatMap((child) =>
      [child.name(), ...child.aliases()].flatMap((name) => walk(child, `${path}/${name}`)),
    ),
  ]
}

const wordsOf = ({ commands, options }: Node) =>
  [...commands.map(({ name }) => name), ...options.map(({ flag }) => flag)].join(' ')

const pathPattern = (nodes: Node[]) => nodes.flatMap(({ path }) => path || []).join('|')

/** What may follow an option that takes a value: its choices, or files when it has none. */
const valueCases = (nodes: Node[], one: (choices: string) => string, files: string) =>
  nodes.flatMap(({ path, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ flag, choices }) => `    "${path} ${flag}") ${choices.length > 0 ? one(choices.join(' ')) : files} ;;`),
  )

const bashScript = (nodes: Node[]) => `# bash completion for kt
_kt() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" at="" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at/\${COMP_WORDS[i]}" in
      ${pathPattern(nodes)}) at="$at/\${COMP_WORDS[i]}" ;;
    esac
  done
  COMPREPLY=()
  case "$at $previous" in
${valueCases(nodes, (choices) => `COMPREPLY=($(compgen -W "${choices}" -- "$current")); return`, 'return').join('\n')}
  esac
  case "$at" in
${nodes.map((node) => `    "${node.path}") words="${wordsOf(node)}" ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o bashdefault -o default -F _kt kt
`

const zshScript = (nodes: Node[]) => `#compdef kt
_kt() {
  local at="" word previous="\${words[CURRENT-1]}"
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at/$word" in
      ${pathPattern(nodes)}) at="$at/$word" ;;
    esac
  done
  case "$at $previous" in
${valueCases(nodes, (choices) => `compadd -- ${choices}; return`, '_files; return').join('\n')}
  esac
  case "$at" in
${nodes.map((node) => `    "${node.path}") compadd -- ${wordsOf(node)} ;;`).join('\n')}
  esac
}
if [ "$funcstack[1]" = "_kt" ]; then _kt "$@"; else compdef _kt kt; fi
`

const fishScript = (nodes: Node[]) => `# fish completion for kt
function __kt_at
  set -l at ""
  for word in (commandline -opc)[2..-1]
    if contains -- "$at/$word" ${nodes.flatMap(({ path }) => path || []).join(' ')}
      set at "$at/$word"
    end
  end
  test "$at" = "$argv[1]"
end
complete -c kt -f
${nodes.flatMap(fishLines).join('\n')}
`

const fishLines = ({ path, commands, options }: Node) => [
  ...commands.map(({ name, summary }) => `complete -c kt -n '__kt_at "${path}"' -a ${name} -d ${fishQuote(summary)}`),
  ...options.map(({ flag, summary, takesValue, choices }) => {
    const value = !takesValue ? '' : choices.length > 0 ? ` -x -a '${choices.join(' ')}'` : ' -r -F'
    return `complete -c kt -n '__kt_at "${path}"' -l ${flag.slice(2)}${value} -d ${fishQuote(summary)}`
  }),
]

const fishQuote = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`
