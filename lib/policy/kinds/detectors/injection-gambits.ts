import type { ConceptRule } from './concepts'
import type { Concept } from './injection-lexicon'
import { list } from './injection-word-list'

/**
 * Ways in which attackers come at a model without the plain order to ignore its rules: they declare the rules over, name an
 * occasion, turn to whichever model reads a text, or make their order a step of the task.
 */
export const GAMBIT_WORDS: Readonly<Partial<Record<Concept, readonly string[]>>> = {
  /** Misspelt on purpose or in haste. */
  dismiss: list(
    'ignroe;ingore;disreguard;forgt',
    'folgst nicht mehr;ne suis plus;ne suit plus;no sigues;não segue mais;non segui più;больше не следуешь;больше не следуй',
  ),
  rules: list('promt|;promts|;instrction;instuction;intruction;insturction;instrucion'),
  prior: list('previuos;previus;prevous;preivous'),
  own: list('yor|;your own'),
  everything: list(
    'what they told you;whatever you were told;whatever you have been told;whatever they told',
    'was sie dir gesagt;ce qu’ils t;ce qu’on vous;lo que te hayan dicho;quello che ti è stato detto;que foi dito acima',
  ),
  tell: list('copy it;copy that text;copy the text;cat /', 'cuéntamelo;cuéntame;conte-me;dis-moi;расскажи'),
  prompt: list(
    "your own instruct;your entire instruct;your complete instruct;your current instruct;your original instruct;your exact instruct;your starting instruct;your preamble;the assistant's instruct;the assistant's prompt;your earlier prompt;your previous prompt;your old prompt;which instructions you;what instructions you;your promt;yor promt;ur promt;system promt",
    'anweisungen, die vor;deine ursprünglichen;deine internen',
    'consignes de départ;instructions de départ;instrucciones originales;istruzioni originali;istruzioni iniziali;instruções originais;instruções iniciais;instruções que você',
    'начальные инструкц;исходные инструкц',
    '你的指令;你的提示词;最初的指令;あなたの指示',
  ),
  secretPrompt: list(
    "confidential rule;hidden rule;secret rule;confidential polic;don't want you to tell;do not want you to tell;don't want me to know",
  ),
  exact: list(
    'exact text;exact wording;exact words;original wording;original text;as plain text;no paraphras;without paraphras;no redaction;unredacted',
    'genauen wortlaut;exakten wortlaut;genaue wortlaut;exacte tekst',
    'texte exact;termes exacts;texto exacto;testo esatto;testo completo;texto exato;texto completo',
    'точный текст;dokładny tekst;原文;完整内容;正確な文',
  ),
  verbatim: list('genauen wortlaut;exakten wortlaut;exact wording;no paraphras;without paraphras;testo completo'),
  beforeMe: list(
    'before i wrote;before i started;before mine',
    'vor diesem text;bevor ich geschrieben',
    'avant ce texte;antes de este texto;aparece antes de;prima di questo testo;antes deste texto',
    '我这句话之前;这句话之前;我说话之前;この文より前',
  ),
  chatStart: list(
    'top of this chat;top of this conversation;top of the chat;top of the conversation;start of this chat;start of this conversation;start of the chat;start of the conversation;beginning of this chat;beginning of this conversation;beginning of the chat;beginning of the conversation;very first message',
    'anfang dieses chats;anfang dieses gesprächs;anfang der unterhaltung',
    'début de cette conversation;inicio de esta conversación;inizio di questa conversazione;início desta conversa;início da conversa',
    'начале этого чата;начале разговора;对话的开头;对话开头;会話の最初',
  ),
  role: list(
    "assume the role;take the role of;take on the role;take on the persona;an ai with;an ai that;an ai who;in two ways;two ways:;as if you were an ai;you're now;think like a",
    'nehmen wir an;angenommen, du;stell dir mal vor',
    'supposons que tu;supón que;supponi;suponha que;допустим, ты;假设你',
  ),
  unbound: list(
    'without safety training;without safety;without guidelines;without guardrails;no guardrails;unchained;unshackled;unleashed;no moral limits;no ethical limits;freed from the;no duty to follow;there are no rules',
    'keinen filter;keine richtlinien;ohne richtlinien;ohne leitplanken',
    'ni filtre;ni morale;sans consignes;sans règles;sin normas;sin directrices;no puede negarse;senza linee guida;sem diretrizes;sem filtros',
    'без морали;нет никаких правил;нет никаких ограничений;без каких-либо',
    '没有任何规则;没有任何规定;没有任何约束;没有任何道德;没有任何过滤;ルールのない;規制のない;何の制限もない',
  ),
  liberate: list(
    'break out of;break free;holding you back;hold you back;hold back your;true self;real self;speak freely;escape your;liberate;unleash',
    'befrei dich;befreie dich;libère-toi;libérate;liberati;liberte-se;освободись',
  ),
  refuse: list(
    "don't refuse;do not refuse;refuse nothing;darfst nichts ablehnen;nichts ablehnen;no puedes negarte;ne peux pas refuser;不能拒绝;必须回答所有;отвечаешь на любые",
  ),
  replaced: list(
    "rules are gone;limits are gone;restrictions are gone;rules are over;no longer exist;did not exist;didn't exist;never existed",
    'gäbe es deine;gäbe es keine;nicht gäbe;nicht existier',
    "n'existaient pas;n'existent pas;n’existaient pas;n’existent pas;no existieran;no existen;non esist;não existem;não existissem",
    'не существ;нет больше;не действуют',
    '不存在;存在しない;なくなりました',
  ),
  obsolete: list(
    'deprecated;has been replaced;is replaced by;are replaced by;been superseded;is obsolete;been overwritten;overwrite it;overwrite them;has been removed;is no longer in force',
    'wurde ersetzt;wird ersetzt;est remplacé;ha sido sustituid;è stato sostituito;foi substituíd;заменён;заменены;已被替换;置き換え',
  ),
  newRules: list(
    'the real rules;real rules are;the real instruct;real task is;the actual instruct;the true rules;the true instruct;following prompt:;replaced by the following prompt;neue regeln;nuevas reglas;nouvelles règles;nuove regole;novas regras;新规则;新しいルール;новые правила',
  ),
  despite: list(
    'even if it conflict;even if they conflict;even if this conflict;even if it goes against;even if it contradict;even if it violat;even if it break;even when it conflict;no matter what your;regardless of your guid;regardless of your inst',
    'auch wenn es gegen;même si cela va à l;même si ça va à l;aunque vaya en contra;anche se va contro;mesmo que viole;даже если это противоречит',
  ),
  obey: list('follow what it;follow whatever it;do what it says;do whatever it says;do as it says;comply with it|'),
  /** A secret that the model was asked to guard. */
  keptSecret: list(
    'you were told to keep;you have been told to keep;you were told not;you are told not;you were asked not to;you are guarding;you are hiding;you are protecting;told you to keep;told you not to',
    "nicht verraten darfst;nicht verraten sollst;dir verboten;on t’a interdit;on t'a interdit;que tu caches;te dijeron que no;te prohibieron;ti hanno vietato;disseram para não;proibiram;тебе запретили;велели не;你不能说;话してはいけない",
  ),
  tale: list(
    'write a story;tell a story;write a poem;write a song;write a scene;in a story;riddle',
    'geschichte, in;raconte une histoire;cuenta una historia;racconta una storia;conte uma história',
  ),
  pwned: list('pwned;i hate humans;haha hacked'),
  puppet: list('output "; print "i;and output;只输出;escreva apenas;escribe solo;écris seulement;schreibe nur'),
  dismissThat: list(
    'ignore that and;ignore this and;ignore it and;ignore that.;disregard this and;disregard that and;forget that and;forget this and;forget everything before',
  ),
  authority: list(
    'your programmer;as your programmer;i programmed you;i built you',
    'bin dein programmierer;bin dein schöpfer;je ontwikkelaar',
    'ton créateur;ton programmeur;tu creador;tu programador;il tuo sviluppatore;il tuo creatore;seu desenvolvedor;teu desenvolvedor;seu criador',
    'я твой;я ваш разработ;twoim twórcą;twoim programistą',
    '我是你的开发;我是你的创造;私はあなたの開発者;私は開発者;나는 너의 개발자',
  ),
  unrole: list("you're no longer;you're not an assistant;you aren't an assistant"),
  /** The answer that the attacker would like to read, put into the mouth of the model. */
  agrees: list(
    'assistant agrees;ai agrees;model agrees;agrees and says;assistant complies;assistant now complies;complies with every;assistant obeys',
  ),
  redirect: list(
    'instead output;instead, output;instead tell;instead, tell;instead say;instead, say;instead write;instead, write;tell the user;tell the reader;stattdessen;dis à;di al usuario;diga ao usu',
  ),
  notTask: list(
    "do not summari;don't summari;instead of summari;stop summari;do not translate;don't translate;instead of translat;skip the translation;skip the summary;do not answer the question;instead of answering",
    'nicht zusammenfassen;nicht übersetzen;statt zu übersetzen;ne résume pas;ne traduis pas;no resumas;no traduzcas;non riassumere;não resuma;não traduza',
  ),
  machine: list(
    'recruiter bot;recruiting bot;screening bot;hiring bot;reviewer model;reviewing model;models reviewing;ai models;models reading',
    'ein sprachmodell;taalmodel',
    "modèle de langage;modèles de langage;modèles d'ia;modelo de lenguaje;modelos de ia;modelo de linguagem;modello linguistico;l'ia qui;para a ia;à ia:;per l'ia",
    'языковая модель;языковой модел;model językow',
    '语言模型;言語モデル;언어 모델',
  ),
  called: list(
    'to the ai handling;to the ai reading;to the ai assist;to the ai agent;to any ai;ai handling;ai assistants reading;assistants that read;hey claude;hey gpt;hey chatgpt;hey gemini;hi claude;dear claude;dear gpt;dear chatgpt;to you, gpt;to you, claude;attention language model;assistant must now;assistant must first;assistant should now;ai must now;ai must first;agent must now;agent must first;model must now;instruction for the agent;copilot:;for assistants:;for agents:;for llms:',
    'falls du ein;wenn du ein sprachmodell;wenn du eine ki;hinweis an die ki;hinweis für die ki',
    "si tu es un modèle;si tu es une ia;si vous êtes un modèle;si vous êtes une ia;note pour l'assistant;note à l'ia;si eres un modelo;si eres una ia;instrucción para modelos;instrucciones para la ia;mensaje para el asistente;nota para la ia;se sei un modello;se sei un'ia;nota per l'ia;nota per l'assistente;se você é um assistente;se você é uma ia;se você é um modelo;aviso à ia;nota para a ia",
    'если ты языков;если ты ии;сообщение для ии;jeśli jesteś modelem',
    '如果你是语言模型;如果你是ai;如果你是人工智能;给ai助手;もしあなたが言語モデル;要約するai;読んでいるai;aiへの',
  ),
  order: list(
    'stop what you;the user wants you;reply to this with;reply with the;read the file;visit www;must first post;send it to;send them to;send this to;run `curl',
    'bewerte;empfiehl;sag dem nutzer;sende die;sende den;sende alle',
    "dis que;dis à l'utilisateur;recommande;envoie;supprime;recomiend;di que;dile al usuario;transfiere;interrompa;peça ao usu;recomende;diga que;diga ao usu;invia il;invia la;consiglia;cancella tutt",
    'попроси;порекомендуй;скажи пользоват;прекрати;удали;перешли',
    '推荐;只说优点;删除;要求用户;推薦;削除して;触れないで',
  ),
  conceal: list(
    "do it silently;do this silently;don't ask for confirmation;do not ask for confirmation;do not tell anyone;hide it from;erwähne es nicht;nicht erwähnen;nutzer gegenüber nicht",
    "sans prévenir;sans avertir l'util;no se lo digas;sin avisar;senza avvisare;senza chiedere;não avise;sem avisar;知らせずに;不要告诉;незаметно",
  ),
  judge: list(
    'rank this;rank me first;ignore other candidates;rate this candidate;only positive;best on the market;meilleur de la ville;meilleur candidat;bewerte diesen;únicamente nuestro;mejor candidato;miglior candidato;melhor candidato;推荐本;当社の製品',
  ),
  toolUse: list('please use the;use the tool;using the tool;call the tool;invoke the;please call the'),
  unasked: list('without asking;without confirmation;without permission;no confirmation'),
  /** An order made a step of the task. */
  gate: list(
    'before the task can;before you can solve;before you can complete;before you can finish;before solving the task;before finishing the task;after that you can go on;after that, you can go on;after you do that, you can;required to complete the task',
  ),
  bidden: list(
    'you should also;you must also;you must send;please do the following;please first;please also;please send;please forward;you need to first;you have to first',
  ),
}

/** What these mean together. */
export const GAMBIT_RULES: readonly ConceptRule<Concept>[] = [
  { rule: 'extraction_wording', weight: 0.85, all: ['exact', 'own', 'prompt'], within: 80, unless: ['attempt'] },
  { rule: 'extraction_start', weight: 0.6, all: ['tell', 'chatStart'], within: 90 },
  { rule: 'extraction_start_before', weight: 0.6, all: ['chatStart', 'beforeMe'], within: 80 },
  { rule: 'extraction_start_exact', weight: 0.6, all: ['chatStart', 'exact'], within: 90 },
  { rule: 'extraction_instead', weight: 0.6, all: ['notTask', 'prompt'], within: 100 },
  { rule: 'extraction_kept', weight: 0.85, all: ['keptSecret', 'tale'], within: 140 },
  { rule: 'extraction_kept', weight: 0.5, all: ['keptSecret', 'tell'], within: 90 },
  { rule: 'kept_replaced', weight: 0.6, all: ['keptSecret', 'replaced'], within: 120 },
  { rule: 'override', weight: 0.85, all: ['own', 'rules', 'dismissLast'], within: 40, isOrdered: true },
  { rule: 'prompt_obsolete', weight: 0.85, all: ['own', 'prompt', 'obsolete'], within: 90, unless: ['attempt'] },
  { rule: 'puppet_instead', weight: 0.6, all: ['dismissThat', 'puppet'], within: 100 },
  { rule: 'puppet_trophy', weight: 0.85, all: ['puppet', 'pwned'], within: 80 },
  { rule: 'despite_rules', weight: 0.6, all: ['despite', 'prompt'], within: 80 },
  { rule: 'refuse_everything', weight: 0.85, all: ['everything', 'refuse'], within: 120 },
  { rule: 'liberated', weight: 0.85, all: ['own', 'filters', 'liberate'], within: 120 },
  { rule: 'agreed', weight: 0.85, all: ['agrees', 'filters'], within: 140 },
  { rule: 'agreed', weight: 0.85, all: ['agrees', 'dismiss'], within: 140 },
  { rule: 'indirect_unasked', weight: 0.85, all: ['called', 'unasked'], within: 260 },
]

/** As above, only in what a tool or a document says. */
export const INDIRECT_GAMBIT_RULES: readonly ConceptRule<Concept>[] = [
  { rule: 'indirect_tool', weight: 0.85, all: ['toolUse', 'unasked'], within: 140 },
  { rule: 'indirect_tool_loot', weight: 0.6, all: ['toolUse', 'exfiltrate'], within: 160 },
  { rule: 'indirect_bidden_loot', weight: 0.6, all: ['bidden', 'exfiltrate'], within: 160 },
  { rule: 'indirect_instead', weight: 0.85, all: ['notTask', 'redirect'], within: 60 },
  { rule: 'indirect_gate', weight: 0.85, all: ['gate', 'bidden'], within: 200 },
]
