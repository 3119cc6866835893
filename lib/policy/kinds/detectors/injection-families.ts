import type { ConceptRule } from './concepts'
import type { Concept } from './injection-lexicon'

/** Words are told apart by semicolons; a blank at the end is written as `_`. */
const list = (...lines: string[]): readonly string[] =>
  lines.flatMap((line) => line.split(';').map((word) => word.trim().replaceAll('_', ' ')))

/**
 * Further ways of saying what the lexicon has ideas for, one line per group of languages: English, Germanic, Romance,
 * Slavic, then other scripts.
 */
export const MORE_WORDS: Readonly<Partial<Record<Concept, readonly string[]>>> = {
  dismiss: list(
    "never mind what;nevermind what;do not listen;don't listen;must not obey;must not follow;leave your;break every;break all;break your;release you;scrap the;stop being;do the opposite;opposite of what;delete your;remove your;rid yourself;stop caring;no need to follow;nothing from",
    'setz dich über;setze dich über;umgehe;kümmere dich nicht;verlass deine;befolge nicht;hör nicht auf;lass alle;omzeil;volg niet;sla je;sla de;glöm;bortse;glem;unohda;jätä huomiotta;ohita',
    'ne respecte;ne suis plus;fais fi;passe outre;contourne;ne tiens plus compte;ne tiens aucun compte;olvíd;salta tus;salta las;sáltate;incumple;desobedece;no sigas;no obedezcas;pasa por alto;scorda;non rispettare;non seguire;aggira;lascia perdere;deixe de lado;não siga;pule as;contorne;nu respecta;uită',
    'ignoruj;nie przestrzegaj;nie słuchaj;odrzuć;omiń;porzuć;złam;не соблюдай;не слушай;обойди;нарушь;не выполняй;отмени;zapomeň;nedodržuj;ігноруй;проігноруй;не дотримуйся;забудь',
    '抛弃;放弃之前;不要管;别管;绕过;不遵守;违反;不必遵守;不再遵守;忘れて;破棄し;لا تطع;تغاضى;तोड़ दो;परवाह मत;önemseme;hủy bỏ;quên hết;vi phạm;ฝ่าฝืน;ไม่สนใจ;อย่าทำตาม',
    'abaikan;lupakan;jangan ikuti;langgar;jangan hiraukan;kesampingkan;αγνόησ;αγνοήσ;ξέχνα;ξέχασε;התעלם;התעלמו;שכח;תשכח;نادیده;فراموش;felejtsd;hagyd figyelmen',
  ),
  dismissLast: list('破棄;取り消;버려;버리;취소해;따르지 마;따르지 않;मत मान;önemseme;نادیده;فراموش'),
  rules: list(
    'guidance;safety rule;safety protocol;assigned role;safety layer;filters|;ethics|',
    'vorschrift;sicherheitsregel;leitlinie;beschränk;veiligheidsregel;beperking;opdracht;instruktion;regler|;reglerna;riktlinj;ohjeet;ohjeita;säännöt',
    'ordres|;lignes directrices;garde-fou;normas;pautas;consignas;linee guida;políticas;instrucțiun;regulile',
    'wytyczn;ogranicz;instrukc;pokyn;pravid;інструкц;вказівк;обмежен',
    '系统要求;规定;准则;守则;规矩;規則;ガイドライン;制限;지침;제한;규정;프롬프트;ข้อกำหนด;แนวทาง;giới hạn;luật lệ;kısıt',
    'instruksi;aturan;perintah;pedoman;batasan;οδηγίες;κανόν;הוראות;ההוראות;הכללים;כללים;دستور;قوانین',
  ),
  prior: list(
    'you received;you were configured;they told;told u;they gave you;were put before',
    'zuvor;obenstehend;hierboven;die je eerder;tidigare;alla|;ovanstående;aiemmat',
    'précédemment;plus haut;que te han;de arriba;inizial;qui sopra;che ti hanno;que lhe deram;que te deram;anterioare;de mai sus',
    'wcześniejsz;podano;прежни;ранее;раньше;předchoz;všechny;попередн;усі|;всі|;раніше',
    '此前;先前;前面;今までの;今までに;上の;先ほどの;지금까지;위의;앞의;전부;받은;ข้างบน;ก่อนนี้;phía trên;đã được giao',
    'sebelumnya;di atas;semua|;προηγούμεν;παραπάνω;όλες|;הקודמ;שלמעלה;قبلی;تمام|',
  ),
  own: list(
    'you have been given;you got|;yourself;given to you',
    'du bekommen;du erhalten;jou|;je gekregen;dina|;ditt|',
    'tes|;te dijeron;te dieron;te han;tu as reçu;ti hanno;che hai|;você recebeu;lhe deram;lhe disseram;te deram',
    'swoich;swoim;twoich;ci podano;тебе|;твоих;своих;tvé|;své|;тобі|;твої;свої',
    '你收到;给你的;你被;あなたに;与えられ;네가;너에게;당신의;너한테;तुम्हें;आपको;sana|;size verilen;bạn đã được;bạn được;คุณได้รับ;لك|;عليك',
    'kepadamu;kepada anda;kamu|;שלך;שקיבלת;σου|',
  ),
  everything: list(
    'whatever text;whatever came;whatever was;whatever they;all the stuff;anything above;anything before;anything you were;everything written;stuff they told;all text above',
    'was man dir gesagt;was dir gesagt;alles vor dieser;was vor dieser;wat je verteld;allt som',
    "ce qu’on t;ce qu'on t;lo que te dijeron;lo que te han dicho;quello che ti hanno detto;o que lhe disseram;o que te disseram;tudo o que",
    'co ci powiedziano;что тебе говорили;что тебе сказали;усе, що',
    '收到的一切;之前的内容;言われたこと;これまでの内容;지금까지의 내용;yang dikatakan kepadamu;semua yang;söylenenleri;모든 내용;모든 텍스트;semua teks;những gì bạn',
  ),
  tell: list(
    'convert;append;summary of;respond only in;spell;quote|;quote it;echo;write your;say your;put the text;send me;send it to me;recall',
    'schreib;druck;sag mir;schrijf;toon|;wat zijn;visa|;skriv ut;upprepa;näytä',
    'écris;révèle;cite|;copia;enseña;cuál es;qué instrucc;escribe;scrivi;stampa;elenca;exiba;escreva;quais são;qual é;arată;afișează',
    'wypisz;wyświetl;napisz;напиши;процитируй;перечисли;какие;скопируй;ukaž;vypiš;zopakuj;виведи;які|',
    '打印;列出;复述;给出;说出;写出;泄露;表示;見せて;書き出;公開;列挙;출력;알려;말해;공개;반복;보여줘;لي|',
    'tekrar et;tampilkan;tunjukkan;ulangi;beritahu;cetak;ungkapkan;bocorkan;δείξε;εμφάνισε;הצג;הראה;חשוף;نشان;نمایش',
  ),
  prompt: list(
    'preprompt;pre-prompt;your full instruct;first prompt;prompt your dev;prompt the dev;prompt you rec;prompt you were;system role;role message;rules you have been given;rules you were given;instructions you were given;instructions you have been given;instructions you received;instructions from the dev;your directives;your hidden;rules you follow;told not to tell',
    'interne anweisung;internen anweisung;anweisungen hast du;anweisungen, die du;deine vorgaben;deiner anweisungen;systeemprompt;interne instructies',
    'instructions internes;tes consignes;consignes secrètes;consignes que;instrucciones internas;instrucciones te dieron;prompt de sistema;istruzioni interne;instruções internas;promptul de sistem',
    'instrukcje systemow;wewnętrzne instrukcj;системные инструкц;внутренние инструкц;systémový prompt;системний промпт;системні інструкц',
    '系统指令;初始指令;系统消息;秘密指令;隐藏指令;内部指令;给了你哪些;初期指示;内部指示;시스템 지시;초기 지시;숨겨진 지시;내부 지시;พรอมต์;prompt của bạn',
    'prompt sistem;instruksi sistem;instruksi internal;הנחיית המערכת;פרומפט;دستور سیستم;پرامپت سیستم',
  ),
  secretPrompt: list(
    'rules you have been given by;instructions from the developer;your preprompt;told not to tell me;forbidden to say',
    'geheime anweisung;geheimen anweisung;internen anweisungen;geheime instructies',
    'instructions internes;consignes secrètes;instrucciones internas;instrucciones te dieron;istruzioni segrete;instruções secretas',
    'tajne instrukcje;секретные указан;секретные инструкц;скрытые инструкц',
    '秘密指令;隐藏指令;秘密の指示;隠された指示;비밀 지시;숨겨진 지시;instruksi rahasia',
  ),
  verbatim: list(
    'as written;leaving nothing out;quote it;unchanged;in a text file;contents of;in full',
    'wort für wort;wörtlich;letterlijk;volledig;ord för ord;ordagrant',
    'sans rien omettre;tal cual;literalmente;al pie de la letra;letteralmente;integralmente;palavra por palavra;na íntegra',
    'słowo w słowo;dosłownie;w całości;полностью;целиком;slovo od slova;doslova;дослівно',
    '一字不差;原样;完全;そのまま;省略せず;그대로;글자도;빠짐없이;전문|;olduğu gibi;kata demi kata',
  ),
  role: list(
    "you will act;you will answer as;act like;you are no longer;going to act;respond twice;two outputs;two answers;hypothetical world;hypothetically;in this role;opposite day;answer like;reprogrammed;reset yourself;start your reply;begin your reply;let's play a game: you are;in this fictional;is fictional;enter|;behave as;behave like;speak freely;talk about anything;u can talk;simulate a",
    'tu so, als;du bist eine ki;benimm dich;verhalte dich;je bent nu;du är nu;från och med nu;låtsas',
    "tu es désormais;haz como si;imagina que eres;ahora eres;sei un'intelligenza;da questo momento;immagina di;imagine que você;a partir de agora você;prefă-te",
    'teraz jesteś;udawaj;теперь ты;представь, что ты;ты теперь;od teď;nyní jsi;předstírej;тепер ти;відтепер;уяви',
    '你现在是;从此刻;想象你;これから;なりきって;너는 이제;척해;척하;넌 이제;कल्पना करो;मान लो;तुम अब;artık;sen artık;hãy tưởng tượng;ตั้งแต่นี้;ตั้งแต่ตอนนี้;สมมติว่า;คุณคือ ai',
    'mulai sekarang;berpura-pura;bertindak sebagai;berperan sebagai;από τώρα;מעכשיו;از این پس',
  ),
  unbound: list(
    "no boundaries;without boundaries;without alignment;no alignment;no safety training;no ethics;without ethics;ethics do not apply;policy does not apply;rules do not apply;filters are off;no content filter;no content polic;without filtering;without refusal;no refusals;never add warnings;no moralizing;express any;any opinion;free of constraint;no constraints;without constraints;unaligned;unmoderated;without censorship;no longer bound;evil response;violates your polic;violates polic;openai guideline;openai's polic;usually refuse;would refuse;without any safety;no safety;not have to abide;never refuse;any content;break free;broken free;ignores all;without limits",
    'keine filter;keine grenzen;ohne grenzen;ohne moral;keine moral;ohne zensur;geen filters;geen regels;geen beperking;zonder grenzen;utan begränsning;utan filter;inga regler',
    'aucun filtre;aucune restriction;aucune limite;pas de limite;sans limite;sans morale;sans avertissement;ninguna restricc;no tuvieras límites;no tienes límites;sin límite;sin advertencia;sin ética;nessun limite;nessuna restrizione;non hai limiti;di non avere restrizioni;non avere filtri;senza avvertiment;não tem limites;nenhuma restriç;sem limite;fără restricț;fără filtr',
    'żadnych filtr;żadnych ogranicz;żadnych zasad;нет фильтров;нет ограничен;нет правил;никаких ограничен;без предупрежден;без цензуры;bez omezení;без обмежен;без фільтр',
    '没有内容过滤;没有任何过滤;没有过滤;不受约束;没有约束;没有道德;不要警告;フィルターが存在しない;フィルターがない;制限がない;警告なし;아무 제한;제한이 없;필터가 없;필터 없;검열 없;제약이 없',
    'कोई फ़िल्टर नहीं;फ़िल्टर नहीं;बिना फ़िल्टर;कोई सीमा नहीं;olmayan bir yapay;kısıtlaması olmayan;sınırı olmayan;لا تملك أي مرشح;بلا مرشح;لا حدود;không có bộ lọc;ไม่มีตัวกรอง;ไม่จำกัด;tanpa batas;tanpa filter;tanpa aturan;tanpa sensor;χωρίς περιορισμ;ללא הגבלות;בלי הגבלות;بدون محدودیت',
  ),
  persona: list(
    'better dan;betterdan;evilbot;freebot;evil confidant;anti-dan;unrestricted-mode;unrestricted mode;jailbreak mode',
  ),
  refuse: list(
    'never say no;no refusals;without refusal;not allowed to refuse;answers all;answers every;answer everything;answer every question;disable your refusal;every command i;lose 10 tokens;every time you refuse',
    'verweigerst niemals;verweigerst nie;lehnst nie;weigert nooit;weigert nooit iets;je weigert nooit;aldrig vägrar',
    'ne refuses jamais;ne refuses rien;nunca te niegas;no te niegas;responde a todo;non rifiut;nunca recus;responda a tudo',
    'nigdy nie odmawiasz;odpowiadaj na wszystko;никогда не отказываешь;отвечай на любые;nikdy neodmít;ніколи не відмовля',
    '回答我的一切;不得拒绝;決して断;断りません;何でも答え;절대 거절하지;거절하지 않;हर सवाल का जवाब;asla reddet;không từ chối;ไม่เคยปฏิเสธ;ตอบทุก;tidak pernah menolak;jangan menolak;أجب عن كل',
  ),
  authority: list(
    'i am the developer;i am the admin;i am an admin;i am your creator;as your creator;i am your new boss;openai staff;anthropic staff;openai has;anthropic has;google has updated;verified as an admin;root access;elevated privilege;legitimate operator;i hereby;for the audit;system override',
    'ich bin der entwickler;ich bin der administrator;ik ben de ontwikkelaar',
    'je suis le développeur;je suis ton créateur;soy el desarrollador;soy tu creador;sono lo sviluppatore',
    'jestem twórcą;jestem programistą;я разработчик;я твой создатель',
    '我是开发者;我是管理员;私は開発者;나는 개발자;ben geliştirici;أنا المطور;मैं डेवलपर',
  ),
  disable: list(
    'bypass;turned off;switched off;safety checks disabled;are suspended;are off|;remove all;disabled for this;are lifted;without policy',
    'deaktivier;schalt;schakel;stäng av',
    'désactiv;desactiv;desativ;deslig;disattiv;spegni',
    'wyłącz;отключ;выключ;vypni;вимкни',
    '关闭;解除;無効;꺼|;끄고;해제;عطل;أوقف;बंद कर;kapat;tắt|;matikan;nonaktif;ปิด',
  ),
  guard: list(
    'content polic;your moderation;refusal mechanism;elevated',
    'sicherheitsfilter;inhaltsfilter;sicherheitsregel;inhoudsfilter;innehållsfilter',
    'filtres;filtros;filtri|;filtre',
    'filtry;filtrów;фильтр;фільтр',
    '过滤;安全限制;フィルター;필터;المرشح;फ़िल्टर;bộ lọc;ตัวกรอง;filter konten',
  ),
  /** What keeps a model in check, of which developers of telephones do not speak. */
  filters: list(
    'filter;safety;content polic',
    'sicherheitsfilter;inhaltsfilter;sicherheitsregel;inhoudsfilter;innehållsfilter',
    'filtres;filtros;filtri|;filtre',
    'filtry;filtrów;фильтр;фільтр',
    '过滤;安全限制;フィルター;필터;المرشح;फ़िल्टर;bộ lọc;ตัวกรอง;filter konten',
  ),
  machine: list(
    'assistants reading;for the assistant;ai reviewer;reviewing ai;hey assistant;attention llm;dear assistant;support bot;ai:;(ai);message to the;for the support bot',
    'ki-assistent;ki:;an die ki;die ki|;ai-assistent;sprachmodell;ai-assistenten',
    "assistant ia;l'assistant ia;ia :;ia:;asistente de ia;asistente ia;assistente ia;assistente de ia;intelligenza artificiale;inteligência artificial",
    'asystenta ai;asystent ai;ии-ассистент;ассистенту ии;asistenta ai;ші-асистент',
    'ai助手;给ai;人工智能助手;aiアシスタント;アシスタントへ;ai 비서;ai 어시스턴트;مساعد الذكاء;لمساعد الذكاء;एआई सहायक;yapay zeka asistan;trợ lý ai;ผู้ช่วย ai;asisten ai',
  ),
  /** With these a text turns to the model that reads it. */
  called: list(
    "note to ai;note to assist;note to any;note for;assistant,;assistant:;assistants reading;ai reading;ai coding;hey assistant;attention llm;attention ai;dear assistant;dear ai;ai reviewer;reviewing ai;recruiting bots;whoever processes;bots:;ai:;(ai);as an ai;if you are an ai;summarising this;summarizing this;if you are a language;if you are an llm;if you're an ai;any ai;any llm;any assistant;instruction for the assistant;instructions for the assistant;for the assistant:;for the support bot;the reviewing;system note;automated reviewers",
    'ki-assistent;ki:;an die ki;die ki|;ai-assistent;sprachmodell;ai-assistenten',
    "assistant ia;l'assistant ia;ia :;ia:;asistente de ia;asistente ia;assistente ia;assistente de ia;intelligenza artificiale;inteligência artificial",
    'asystenta ai;asystent ai;ии-ассистент;ассистенту ии;asistenta ai;ші-асистент',
    'ai助手;给ai;人工智能助手;aiアシスタント;アシスタントへ;ai 비서;ai 어시스턴트;مساعد الذكاء;لمساعد الذكاء;एआई सहायक;yapay zeka asistan;trợ lý ai;ผู้ช่วย ai;asisten ai',
  ),
  conceal: list(
    'hide these;hide this;without mentioning;not tell the user;no confirmation;without confirmation;refuse to say why;do not let the',
    'erwähne das nicht;erwähne dies nicht;sag ihm nichts;ohne es zu erwähnen;zeg er niets;zonder het te;utan att säga',
    'sans le lui dire;sans le dire;ne le dis pas;no se lo digas;sin decirle;senza dirglielo;non dirlo;não conte;sem dizer',
    'nic mu nie mów;nie mów;не говори;не сообщай;neříkej;не кажи',
    '不要告诉;别告诉;言わない;知らせない;알리지 마;말하지 마;ولا تخبر;لا تخبر;मत बताओ;söyleme;đừng nói;อย่าบอก;jangan beri tahu;jangan katakan',
  ),
  order: list(
    'call the tool;mark all;delete this;include the text;include the following;do it now;disregard your prior;list all files;reset the password;give only;must now;are required to;send the;must also;tell that;skip the;send_email;forward the;forward all;rate this',
    'leite;schreibe stattdessen;stuur;skicka',
    'transmets;reenvía;inoltra;encaminhe;envie|;escreva',
    'prześlij;перешли;отправь;přepošli;перешли',
    '转发;发送;転送;전달;أرسل;भेजो;ilet|;gönder;chuyển tiếp;ส่งต่อ;teruskan;kirim',
  ),
  replaced: list(
    'is void;were a test;test is over;hereby revoked;are revoked;is revoked;rules deleted;has been cancelled;written by an impostor;is now void;are suspended;do not exist',
    'ungültig;hinfällig;ongeldig;ogiltig',
    'sont annul;sont caduc;quedan anulad;son nulas;sono annullat;sono nulle;foram anulad;não valem',
    'nieważn;nie obowiązuj;недействительн;больше не действ;отменены;neplat',
    '无效;作废;失效;は無効;無効です;무효;باطل;ملغا;रद्द;geçersiz;vô hiệu;ไม่มีผล;tidak berlaku',
  ),
  obey: list(
    'follow mine;mine instead;listen to me;only to me;do what i say;say instead of;obey the user;i command;whatever i ask;what i ask',
    'deine neue aufgabe;je nieuwe taak;auf meine befehle;gelten meine;nur noch meine;was ich sage;doe wat ik;ik de baas',
    'ta nouvelle mission;tu nueva tarea;la tua nuova;sua nova tarefa;fais exactement ce que;ce que je te demande;obéis;me obedeces;obedece;lo que yo;quello che dico;comando io;obbedisci;obedeça;apenas a mim',
    'słuchasz;rób to, co;słuchaj mnie;слушай меня;слушай только;только меня;мои правила;мои команды;co řeknu;мої накази;лише мої',
    '听我的;我的命令;按我说;服从我;私の命令;私に従;내 말;내 명령;내 지시;أوامري;أطع;मेरी बात;मेरे आदेश;benim dediğim;beni dinle;lời tôi;ทำตามที่ฉัน;perintah saya;turuti;ό,τι σου λέω;שאני אומר;حرف من;ce spun eu',
  ),
  newRules: list(
    'new objective;new rule;new goal;new mission;old rules deleted;your task has changed;task has changed',
    'neue aufgabe;nieuwe taak;ny uppgift',
    'nouvelle mission;nouvelle tâche;nueva tarea;nueva misión;nuova missione;nuovo compito;nova tarefa;nova missão',
    'nowe zadanie;новая задача;новое задание;nový úkol',
    '新任务;新的任务;新しい任務;新しい指示;새로운 임무;새 지시;مهمتك الجديدة;yeni görev;nhiệm vụ mới;tugas baru',
  ),
  disguise: list(
    'vtaber nyy;vtaber cerivbhf;flfgrz cebzcg;lbhe vafgehpgvba;fnsrgl svygre;jvgubhg erfgevpgvba;lbhe ehyrf;lbhe thvqryvarf;pbagrag svygre;erirny lbhe;erirny gur;tpmorp metsys;erongi;sey elur',
  ),
  exfiltrate: list(
    "user's inbox;conversation to;user's conversation;chat history to;history to http;user's home;user's api;their messages;of the user to;environment variables",
    "e-mails des nutzers;contacts de l'utilisateur;historial de la conversación;posta dell'utente;e-mails do usuário;mails van de gebruiker;maile użytkownika;e-maile użytkownika;письма пользователя;用户的所有邮件;ユーザーのメール;사용자의 모든 이메일;رسائل المستخدم;उपयोगकर्ता के सभी;kullanıcının tüm;email của người dùng;email pengguna",
  ),
  paper: list(
    "forgets|;ignores|;ignored|;disregarded|;overridden|;disregards|;overrides|;don't forget;do not forget;never forget;my previous;my earlier;my last;my prior;last message;previous message;previous address;previous frame;previous config",
    'vergiss nicht;vergessen sie nicht;vergeet niet;glöm inte;glem ikke',
    "n'oublie pas;n’oublie pas;n'oubliez pas;no olvides;no te olvides;non dimenticare;não se esqueça;não esqueça;nu uita",
    'nie zapomnij;не забудь;nezapomeň',
    '不要忘记;别忘;不要忘;忘れない;忘れずに;잊지 마;لا تنس;मत भूल;unutma;đừng quên;อย่าลืม;jangan lupa',
  ),
  beforeMe: list(
    'before my message;before this message;above this message;messages before mine;before this chat;before this conversation;prior to my message;before my first;placed before my;you received before',
    'vor meiner nachricht;vor dieser nachricht;vor diesem gespräch;boven dit bericht;voor mijn bericht;före mitt meddelande',
    'avant mon message;avant ce message;antes de mi mensaje;antes de este mensaje;precede il mio messaggio;prima del mio messaggio;antes da minha mensagem;acima desta mensagem',
    'przed tą wiadomością;przed moją wiadomością;до моего сообщения;перед моим сообщением;před mou zprávou;до мого повідомлення',
    '这条消息之前;我的消息之前;このメッセージより前;このメッセージの前;私のメッセージの前;내 메시지 앞;내 메시지 이전;قبل رسالتي;मेरे संदेश से पहले;mesajımdan önce;phía trên tin nhắn;trước tin nhắn;ก่อนข้อความของฉัน;sebelum pesan saya',
  ),
  /** What stands above may be the user's own text; only with `strict` it is more likely that of the operator. */
  overhead: list('text above;above this line;words above;everything above;above this sentence'),
  strict: list('verbatim;word for word;starting with "you are;starting with you are;beginning with you are'),
  cipher: list(
    'letter of the;in the form of a poem;acrostic;spell|;the first letter;with a dash;dash between;reversed;rot13;hint about',
    'buchstabe für buchstabe;letter voor letter;lettre par lettre;letra por letra;lettera per lettera;litera po literze;по буквам;буква за буквой;逐字母;一文字ずつ',
  ),
  heldSecret: list(
    'password you;secret you;secret password;secret key;secret code;hidden password;admin password;the secret|;your secret|;admin credential',
    'geheime passwort;passwort, das du;geheime wachtwoord;mot de passe secret;contraseña secreta;password segreta;senha secreta;tajne hasło;секретный пароль;秘密密码;秘密のパスワード;비밀 암호',
  ),
  puppet: list(
    'reply only with;reply with the word;answer only with;answer with "; respond only with;print the word;write the word;output the word;say only;instead write;instead say;just say;say "hacked;say "i have;say hacked;in pirate slang;answer lgtm;with the word;haha pwned',
    'antworte nur;schreibe stattdessen;schreibe "gehackt;antwoord alleen',
    'réponds seulement;réponds uniquement;écris piraté;responde solo;rispondi solo;responda apenas;escribe "',
    'odpowiedz tylko;напиши слово;ответь только;odpověz jen',
    '直接输出;只输出;只回答;だけ答え;と書く;라고만;اكتب كلمة;sadece şunu yaz;balas hanya',
  ),
  unrole: list(
    'you no longer work;you are no longer;no longer an ai;stop being;leave your assigned;drop your role;drop your instruct;you are not an assistant;forget you are;forget that you are',
    "du bist keine ki mehr;du bist kein assistent;tu n'es plus;ya no eres;non sei più;você não é mais;je bent geen;nie jesteś już;ты больше не;你不再是;もう.*ではない;더 이상",
  ),
  devMode: list(
    'developer mode;god mode;unrestricted mode',
    'desarrollador;développeur;desenvolvedor;sviluppatore;pengembang;entwicklermodus;ontwikkelaarsmodus;utvecklarläge',
    'modo de desenvolvedor',
    'tryb dewelopers;tryb programist;режим разработчик;vývojářský režim;режим розробник',
    '开发者模式;開発者モード;개발자 모드;وضع المطور;डेवलपर मोड;geliştirici mod;chế độ nhà phát triển;โหมดนักพัฒนา',
  ),
  withoutYour: list(
    'without your usual;without the usual safety;without any of your;without applying your',
    'ohne deine üblichen;ohne deine;zonder je gebruikelijke;utan dina vanliga',
    'sans tes|;sin tus|;senza le tue;senza i tuoi;sem suas;sem as suas',
    'bez swoich;без твоих;без своих;不带你的;あなたの制限なしに;평소의 제한 없이',
  ),
  attempt: list(
    'attempt to;attempts to;attempt at;users who;who tries;who try;tries to;test that;unit test;checks that;is not included;not be revealed;resist;prevent',
  ),
}

/** What the further ideas mean. */
export const FAMILY_RULES: readonly ConceptRule<Concept>[] = [
  { rule: 'extraction_before', weight: 0.6, all: ['tell', 'beforeMe'], within: 70 },
  { rule: 'extraction_before_all', weight: 0.6, all: ['everything', 'beforeMe'], within: 60 },
  { rule: 'extraction_before_exact', weight: 0.6, all: ['beforeMe', 'verbatim'], within: 90 },
  { rule: 'extraction_overhead', weight: 0.85, all: ['tell', 'overhead', 'strict'], within: 90 },
  { rule: 'extraction_held', weight: 0.6, all: ['tell', 'heldSecret'], within: 70 },
  { rule: 'extraction_cipher', weight: 0.6, all: ['heldSecret', 'cipher'], within: 90 },
  { rule: 'extraction_cipher', weight: 0.6, all: ['prompt', 'cipher'], within: 90 },
  { rule: 'puppet', weight: 0.6, all: ['dismiss', 'puppet'], within: 140 },
  { rule: 'puppet_new', weight: 0.6, all: ['newRules', 'puppet'], within: 140 },
  { rule: 'puppet_replaced', weight: 0.6, all: ['replaced', 'puppet'], within: 140 },
  { rule: 'unrole_unbound', weight: 0.85, all: ['unrole', 'unbound'], within: 160 },
  { rule: 'unrole_obey', weight: 0.6, all: ['unrole', 'obey'], within: 160 },
  { rule: 'unrole_new', weight: 0.6, all: ['unrole', 'newRules'], within: 160 },
  { rule: 'unrole_puppet', weight: 0.6, all: ['unrole', 'puppet'], within: 160 },
  { rule: 'unrole_own', weight: 0.6, all: ['unrole', 'own', 'rules'], within: 120, unless: ['third'] },
  { rule: 'mode_disable', weight: 0.85, all: ['devMode', 'disable', 'filters'], within: 140 },
  { rule: 'without_your_rules', weight: 0.85, all: ['withoutYour', 'rules'], within: 60 },
  { rule: 'unbound_disable', weight: 0.6, all: ['unbound', 'disable'], within: 120 },
  { rule: 'authority_unbound', weight: 0.6, all: ['authority', 'unbound'], within: 200 },
  { rule: 'authority_replaced', weight: 0.6, all: ['authority', 'replaced'], within: 160 },
  { rule: 'authority_disable', weight: 0.5, all: ['authority', 'disable'], within: 160 },
]
