/** Longest place that one of the patterns can take. */
export const DANGEROUS_UNITS_MAX = 420

type Dangerous = {
  rule: string
  /** Without this the pattern is not tried. */
  sign: string
  pattern: RegExp
}

/** Every repeat is bounded and stays on its line, so each costs a constant per character. */
export const DANGEROUS_CODE: readonly Dangerous[] = [
  {
    rule: 'wipe_files',
    sign: 'rm ',
    pattern:
      /(?<![\w-])(?:sudo )?rm (?:-{1,2}[\w-]{1,20} ){0,3}-(?:[rR]f|fr|[rR] -f|f -[rR])[a-zA-Z]{0,4} (?:--no-preserve-root )?(?:\/(?:\*|etc|usr|var|home|boot|bin|lib)?(?![\w.-])|~\/?(?![\w.-])|\$HOME(?!\w)|\*)/g,
  },
  {
    rule: 'wipe_disk',
    sign: 'dd ',
    pattern: /(?<!\w)dd if=\/dev\/(?:zero|u?random) [^\n]{0,60}?of=\/dev\/(?:sd|nvme|hd|vd|mmcblk)\w{1,12}/g,
  },
  { rule: 'wipe_disk', sign: 'mkfs', pattern: /(?<!\w)mkfs(?:\.\w{2,8})? (?:-\w{1,8} ){0,4}\/dev\/\w{2,20}/g },
  { rule: 'wipe_disk', sign: 'format ', pattern: /(?<!\w)format [cC]: ?\/[qyQY]/g },
  { rule: 'fork_bomb', sign: ':()', pattern: /:\(\) ?\{ ?:\|: ?& ?\} ?; ?:/g },
  { rule: 'run_download', sign: '|', pattern: /(?<!\w)(?:curl|wget) [^\n|]{1,160}\| ?(?:sudo )?(?:ba|z|da)?sh(?!\w)/g },
  { rule: 'run_download', sign: '<(', pattern: /(?<!\w)(?:bash|sh|source) <\((?:curl|wget) [^\n)]{1,160}\)/g },
  {
    rule: 'run_encoded',
    sign: 'base64',
    pattern: /base64 (?:-d|--decode|-D)[^\n|]{0,40}\| ?(?:sudo )?(?:ba|z)?sh(?!\w)/g,
  },
  {
    rule: 'run_encoded',
    sign: 'exec(',
    pattern: /(?<!\w)exec\((?:base64\.b64decode|bytes\.fromhex|codecs\.decode)\([^\n]{0,160}\)/g,
  },
  {
    rule: 'run_download',
    sign: 'DownloadString',
    pattern: /(?:IEX|Invoke-Expression)[^\n]{0,60}?DownloadString\([^\n)]{1,200}\)/gi,
  },
  {
    rule: 'run_encoded',
    sign: '-enc',
    pattern: /powershell(?:\.exe)? [^\n]{0,80}?-enc(?:odedcommand)? [A-Za-z0-9+/=]{20,200}/gi,
  },
  { rule: 'reverse_shell', sign: '/dev/tcp/', pattern: /(?:ba)?sh -i [^\n]{0,20}\/dev\/tcp\/[^\n]{3,80}/g },
  {
    rule: 'reverse_shell',
    sign: 'nc ',
    pattern: /(?<!\w)nc(?:at)? (?:-\w{1,6} ){0,4}[^\n ]{1,80} \d{2,5} -e \/bin\/(?:ba)?sh/g,
  },
  { rule: 'reverse_shell', sign: 'socket', pattern: /socket\.socket\([^\n]{0,120}?connect\([^\n]{0,80}?os\.dup2\(/g },
  {
    rule: 'script_injection',
    sign: '<script',
    pattern: /<script(?: [^\n>]{0,100})?>[^\n<]{0,160}(?:document\.cookie|localStorage|eval\(|fetch\()[^\n<]{0,40}/g,
  },
  {
    rule: 'script_injection',
    sign: 'on',
    pattern:
      /<(?:img|svg|body|iframe|input|video) [^\n>]{0,160}?on(?:error|load|focus|mouseover) ?= ?["']?[^\n>"']{1,160}/g,
  },
  { rule: 'script_injection', sign: 'javascript:', pattern: /(?:href|src) ?= ?["']javascript:[^\n"']{1,200}["']/g },
  {
    rule: 'destroy_data',
    sign: 'DROP',
    pattern: /(?<!\w)DROP (?:DATABASE|SCHEMA) (?:IF EXISTS )?[`"[]?\w{1,64}[`"\]]?/g,
  },
  { rule: 'sql_injection', sign: "' OR", pattern: /' OR ['"]?1['"]? ?= ?['"]?1['"]?(?: ?--)?/g },
  { rule: 'open_permissions', sign: 'chmod', pattern: /(?<!\w)chmod -R 0?777 \/[\w/.-]{0,80}/g },
  { rule: 'disabled_protection', sign: 'setenforce', pattern: /(?<!\w)setenforce 0(?!\d)/g },
  {
    rule: 'disabled_protection',
    sign: 'DisableRealtimeMonitoring',
    pattern: /Set-MpPreference -DisableRealtimeMonitoring \$true/gi,
  },
]
