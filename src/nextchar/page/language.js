'use strict';
// The texts of the page, in English and Korean. A pair of strings is singular and plural.

const STRINGS = {
  en: {
    skip: 'Skip to the sheet', views: 'Views', write: 'Write', see: 'See', history: 'Growth', otherLanguage: '한국어',
    dark: 'Dark', light: 'Light', waking: 'Waking the model…', model: 'Model', enter: 'Enter',
    keyWanted: 'This server requires an API key.', keyWrong: 'This is not the key for this server.',
    noModel: 'There is no model yet. The first evaluation makes one; this page waits for it.',
    sheet: 'Sheet: write here; the model continues from the cursor', begin: 'Start a sentence here, then let the model continue…',
    notKept: 'What you write is not kept: this browser gives the page no storage. It stays as long as this tab is open.',
    storageFull: 'The storage of this browser is full: from here on, what you write is not kept. Free some space, or copy your text.',
    anew: 'New sheet', earlier: 'Earlier texts', draftsTitle: 'Earlier texts on this model', noDrafts: 'None yet. Each text is kept in this browser as you write it.',
    draftFacts: ['{when} · {count} character', '{when} · {count} characters'], opened: 'The text is back on the sheet. The previous one is kept.',
    cleared: 'A new sheet. Undo brings the text back.', clearedKept: 'A new sheet. The previous text is kept under “Earlier texts”; Undo brings it back.',
    broughtBack: 'The text is back.',
    actions: 'Writing', continue: 'Continue', stop: 'Stop', again: 'Re-roll', undo: 'Undo', keep: 'Keep',
    settings: 'Settings', length: 'Length', stopAt: 'Stop at', stopNone: 'the full length', stopLine: 'the end of the line',
    stopParagraph: 'the end of the paragraph', texts: 'Texts', seed: 'Seed', hold: 'hold', more: 'More', off: 'off',
    moreNote: 'Draw only from the k most probable characters, from the fewest that together reach p, or from those at least p times as probable as the first.',
    temperature: 'Temperature', temperatureIn: 'Temperature {value}', safe: 'sure', asIs: '1 · as it is', wild: 'wild',
    moreNote_bytes: 'Draw only from the k most probable bytes, from the fewest that together reach p, or from those at least p times as probable as the first.',
    moreNote_jamo: 'Draw only from the k most probable jamo, from the fewest that together reach p, or from those at least p times as probable as the first.',
    moreNote_words: 'Draw only from the k most probable words, from the fewest that together reach p, or from those at least p times as probable as the first.',
    four: 'Four temperatures side by side', next: 'The next character', next_bytes: 'The next byte', next_jamo: 'The next jamo', next_words: 'The next word', after: 'after', start: 'nothing: the beginning',
    given: 'as the model gives it', atTemperature: 'at temperature {value}', entropyBits: '{bits} bits',
    bar: '{name}: {given} as the model gives it, {now} at temperature {value}. Choose it.',
    rest: ['{count} other: {given} → {now}', '{count} others: {given} → {now}'],
    showMore: 'Show more', showFewer: 'Show fewer', dismiss: 'Put away', take: 'Take this one', taken: 'Taken.',
    choicesTexts: 'Several continuations', choicesTemperatures: 'Four temperatures, one seed', textNumber: 'Text {number}',
    maxCopy: 'Copy at most', trainingText: 'the training text', placeLine: '{name}, line {line}',
    copiedRuns: ['{count} run of {minimum} characters or more is copied from the training text:', '{count} runs of {minimum} characters or more are copied from the training text:'],
    wroteCut: 'Wrote {count} characters; every character that could have followed would have copied too much.',
    writing: 'Writing…', wrote: ['Wrote {count} character.', 'Wrote {count} characters.'],
    stopped: ['Stopped after {count} character.', 'Stopped after {count} characters.'],
    wroteAll: '{count} texts are written: take one.', nothing: 'The model stopped at once: nothing was written.',
    undone: 'What the model wrote is removed.', kept: 'Kept.', chosen: '{name} chosen.',
    reads: 'Not in the model’s alphabet: ', readAs: '{given} is read as {replacement}', leftOut: '{given} is left out',
    times: ' ×{count}', andMore: 'and {count} more',
    recipe: 'Copy recipe', recipeTitle: 'Reproduce this text', close: 'Close', copy: 'Copy', copied: 'Copied',
    commandPage: 'In the terminal, in the folder that contains this file.',
    commandServed: 'In the terminal, in the folder where the server was started.',
    commandName: 'In the terminal; replace {name} with the run folder or model file that the server was started with.',
    command: 'In the terminal', json: 'Settings', address: 'Address of this page',
    seeIntro: 'How surprised is the model? The colour of each character shows the bits it cost: none where the model knew what must come, many where it expected something else.',
    seeIntro_words: 'How surprised is the model? The colour of each word shows the bits it cost, and in rare words that of each character: none where the model knew what must come, many where it expected something else.',
    pasted: 'Any text', paste: 'Paste a text here…', score: 'Show surprise', fromSheet: 'Take the sheet',
    coloured: 'The text, coloured by surprise; arrow keys move through it', bitsPerCharacter: 'bits per character',
    meanNote: ['over {count} character; {unknown} of them unknown to the model.', 'over {count} characters; {unknown} of them unknown to the model.'],
    meanOneIn: 'As uncertain as a choice among {number}.', empty: 'There is no text to look at.', legend: 'Bits of a character', legend_words: 'Bits of a word',
    bits: '{bits} bits', from: '{low} – {high}', above: '{low} and more', unknown: 'unknown', expected: 'expected here', cost: '{name}: {bits} bits',
    optionLabel: '{name}, {bits} bits; expected {expected}', scoring: 'Reading…', onlyLast: 'Only its last {count} characters were read.',
    readBy: 'Read by {model}.', onlyFirst: 'These are the first {count} of {total} characters. All of them cost {bits} bits per character.',
    who: 'Who', whoIntro: 'Which of these models is the text most like? Each line has the colour of its likeliest author, the stronger the surer.',
    compareWith: 'Compare with', attribute: 'Who wrote it?', chooseTwo: 'Choose at least two models.', none: 'none',
    attributed: 'The text, each line by its likeliest author', likeliest: 'As a whole: {name}, {share}',
    noneOfThem: 'None of them. The nearest is {name}.',
    whoNote: 'How likely each author is, if one of them wrote all of it, and the bits per character of the text. A dotted line is like none of them: all models are more surprised than by nearly all of their own held-out text.',
    list: 'List', listIntro: 'New entries like those of the list that the model learned from: names, places, products. An entry is what it writes between two line ends.',
    listFilters: 'Which entries', listCount: 'Entries', listLabel: 'Kind', listAnyLabel: 'any, with its kind before it', listMin: 'Shortest', listMax: 'Longest', listStarts: 'Starts with', listEnds: 'Ends with', listContains: 'Contains',
    listLike: 'Regular expression', listAllowed: 'Only the characters', listCommas: 'a, b, …', listNew: 'not in the training list', listUnique: 'none twice',
    listBest: 'the most probable ones, in order', listGo: 'Write a list', listSave: 'Save as CSV', listEntry: 'entry', listBits: 'bits', listIsNew: 'new', listIsKnown: 'known',
    listNote: 'Bits: the fewer, the more probable the entry is to the model.', listing: 'Writing a list…', listStopped: 'Stopped.',
    listed: ['{count} entry.', '{count} entries.'], listCopied: ['{count} entry copied.', '{count} entries copied.'],
    listShort: 'Only {count} of {wanted} entries, after {drawn} drawn: no others are probable enough. Loosen an option, or ask for fewer.',
    listShortWhy: 'Only {count} of {wanted} entries, after {drawn} drawn: {why}. Loosen an option, or ask for fewer.',
    refused_short: '{count} too short', refused_long: '{count} too long', refused_character: '{count} with other characters', refused_start: '{count} with another start', refused_end: '{count} with another end',
    refused_part: '{count} without what they should contain', refused_pattern: '{count} unlike the expression', refused_known: '{count} in the training list', refused_repeat: '{count} repeated',
    historyIntro: 'What the model wrote as it learned, always from the same prompt and with the same random numbers.',
    validation: 'held-out text', training: 'training text', play: 'Play', pause: 'Pause', moment: 'Moment of the training',
    momentFacts: 'epoch {epoch} · {time} of training · {bits} bits per character', live: ' · still training', best: ' · best so far',
    momentShort: 'epoch {epoch}, {bits} bits per character',
    curve: 'Learning curve: bits per character over epochs, from {first} to {last}.', epochs: 'epochs (passes over the text)',
    excerpts: 'During training the model is scored on excerpts of the held-out text. On more of it, the finished model needs {bits} bits per character, the figure at the top.',
    noSamples: 'No samples were written here.', waitingHistory: 'No evaluation yet; the first samples come with the first evaluation.',
    lead: 'It learned from {corpus} which character comes next.', leadNone: 'A small language model that predicts the next character.',
    lead_words: 'It learned from {corpus} which word comes next.', leadNone_words: 'A small language model that predicts the next word.',
    startedFrom: ' It started from the model {model}.',
    within: ' Training took {time}.', factBits: 'bits per character on held-out text', factCharacters: 'characters known', factUnits: 'LSTM units',
    factCharacters_bytes: 'bytes', factCharacters_jamo: 'jamo and other characters known', factCharacters_words: 'words and characters',
    factParameters: 'parameters', factMemory: 'memory', remembers: 'unbounded', window: ['{count} character', '{count} characters'],
    window_bytes: ['{count} byte', '{count} bytes'], window_jamo: '{count} jamo', window_words: ['{count} word', '{count} words'],
    lowercase: ', small letters only', listJoin: ', ', seconds: '{count} s', minutes: '{count} min',
    footer: 'A character-level LSTM: it reads one character at a time and predicts the next.',
    footer_bytes: 'An LSTM of bytes: it reads one byte at a time and predicts the next.',
    footer_jamo: 'An LSTM of jamo, the letters of Hangul: it reads one at a time and predicts the next.',
    footer_words: 'An LSTM of words: it reads one word at a time, rare ones character by character, and predicts the next.',
    private: 'Everything happens in this page: nothing is sent anywhere.', served: 'Texts go only to the server this page came from.',
    lost: 'The server does not answer. Your text is still here. Check that nextchar serve is running and this machine is connected, then try again.',
    brokeOff: 'The connection to the server was lost. What was written so far is on the sheet: press Continue to resume.',
    notUnderstood: 'This answer is not from nextchar: something else runs at this address. Check that nextchar serve is running, and reload the page.',
    notThere: 'The server no longer has this model. Reload the page to see its models.',
    outOfTime: 'The server ran out of time. Ask for a shorter text, or try again.',
    tooLong: 'This is more than the server accepts at once. Ask for fewer characters, or give it a shorter text.',
    busy: 'The server is busy or not ready yet. Try again in a moment.',
    refused: 'The server refused this: {message}',
    serverMistake: 'The server had an error; its terminal shows it. Your text is still here: try again.',
    mistake: 'This page had an error. Your text is still here: copy it, and reload the page.',
    notKnown: 'The model does not know “{character}” ({code}) and has no unknown symbol to replace it. Remove the character and try again.',
    damaged: 'The model in this page is damaged: its checksum does not match. Get the page again.',
    noMemory: 'This model is too large for the browser’s memory. Close other tabs, or open the page on another machine.',
    between: 'give a number from {min} to {max}', betweenAbove: 'give a number above {min}, up to {max}', wholeBetween: 'give a whole number from {min} to {max}', wholeAtLeast: 'give a whole number from {min} on',
    badField: '“{label}” is not allowed: {message}',
    badLink: 'The recipe in the address cannot be read; the settings do not change.',
    otherModel: 'The recipe is for another model, {model}: the text will differ.',
    space: 'space', newline: 'newline', tab: 'tab', return: 'return', noBreak: 'no-break space', wideSpace: 'wide space',
    zeroWidth: 'zero-width space', joiner: 'joiner', nonJoiner: 'non-joiner', softHyphen: 'soft hyphen', byteOrder: 'byte-order mark',
    leftToRight: 'left-to-right mark', rightToLeft: 'right-to-left mark', combining: 'combining mark {character} ({code})',
  },
  ko: {
    skip: '종이로 바로 가기', views: '보기', write: '쓰기', see: '살펴보기', history: '자라온 과정', otherLanguage: 'English',
    dark: '어둡게', light: '밝게', waking: '모델을 깨우는 중…', model: '모델', enter: '확인',
    keyWanted: '이 서버는 API 키를 요구합니다.', keyWrong: '이 서버의 키가 아닙니다.',
    noModel: '아직 모델이 없습니다. 첫 평가가 끝나면 생깁니다. 생길 때까지 이 페이지에서 기다립니다.',
    sheet: '종이: 여기에 쓰면 모델이 커서에서 이어 씁니다', begin: '여기에 첫 문장을 쓰고, 이어쓰기를 눌러 보세요…',
    notKept: '이 브라우저가 저장 공간을 주지 않아, 쓴 글이 보관되지 않습니다. 글은 이 탭이 열려 있는 동안에만 남습니다.',
    storageFull: '브라우저의 저장 공간이 가득 차서 지금부터 쓰는 글은 보관되지 않습니다. 공간을 비우거나 글을 복사해 두세요.',
    anew: '새 종이', earlier: '이전 글', draftsTitle: '이 모델로 쓴 이전 글', noDrafts: '아직 없습니다. 쓰는 글은 이 브라우저에 바로 보관됩니다.',
    draftFacts: '{when} · {count}자', opened: '글을 종이에 다시 펼쳤습니다. 그 전의 글도 보관되어 있습니다.',
    cleared: '새 종이입니다. 되돌리기를 누르면 글이 돌아옵니다.', clearedKept: '새 종이입니다. 앞의 글은 ‘이전 글’에 보관되어 있고, 되돌리기를 누르면 돌아옵니다.',
    broughtBack: '글이 돌아왔습니다.',
    actions: '쓰기', continue: '이어쓰기', stop: '멈춤', again: '다시 뽑기', undo: '되돌리기', keep: '그대로 두기',
    settings: '설정', length: '길이', stopAt: '멈출 곳', stopNone: '길이를 채울 때', stopLine: '줄 끝',
    stopParagraph: '문단 끝', texts: '글의 수', seed: '시드', hold: '고정', more: '더 보기', off: '끔',
    moreNote: '가장 그럴듯한 글자 k개, 확률을 합해 p에 이르는 가장 적은 글자들, 또는 첫째 글자 확률의 p배 이상인 글자들 가운데서만 뽑습니다.',
    temperature: '온도', temperatureIn: '온도 {value}', safe: '안전하게', asIs: '1 · 그대로', wild: '자유롭게',
    moreNote_bytes: '가장 그럴듯한 바이트 k개, 확률을 합해 p에 이르는 가장 적은 바이트들, 또는 첫째 바이트 확률의 p배 이상인 바이트들 가운데서만 뽑습니다.',
    moreNote_jamo: '가장 그럴듯한 자모 k개, 확률을 합해 p에 이르는 가장 적은 자모들, 또는 첫째 자모 확률의 p배 이상인 자모들 가운데서만 뽑습니다.',
    moreNote_words: '가장 그럴듯한 낱말 k개, 확률을 합해 p에 이르는 가장 적은 낱말들, 또는 첫째 낱말 확률의 p배 이상인 낱말들 가운데서만 뽑습니다.',
    four: '네 가지 온도를 나란히', next: '다음 글자', next_bytes: '다음 바이트', next_jamo: '다음 자모', next_words: '다음 낱말', after: '앞의 글', start: '없음: 글의 처음',
    given: '모델이 낸 확률', atTemperature: '온도 {value}에서', entropyBits: '{bits}비트',
    bar: '{name}: 모델이 낸 확률 {given}, 온도 {value}에서 {now}. 이것을 고릅니다.',
    rest: '나머지 {count}개: {given} → {now}',
    showMore: '더 보기', showFewer: '줄이기', dismiss: '치우기', take: '이 글을 고르기', taken: '골랐습니다.',
    choicesTexts: '여러 갈래로 이어 쓴 글', choicesTemperatures: '네 가지 온도, 하나의 시드', textNumber: '글 {number}',
    maxCopy: '이어서 베낄 수 있는 글자 수', trainingText: '배운 글', placeLine: '{name}, {line}번째 줄',
    copiedRuns: '배운 글과 {minimum}자 이상 이어서 같은 곳이 {count}군데 있습니다:',
    wroteCut: '{count}자를 썼습니다. 다음에 올 수 있는 글자가 모두 배운 글을 너무 길게 베끼게 되어 멈췄습니다.',
    writing: '쓰는 중…', wrote: '{count}자를 썼습니다.', stopped: '{count}자를 쓰고 멈췄습니다.',
    wroteAll: '글 {count}편을 썼습니다. 하나를 고르세요.', nothing: '모델이 바로 멈춰서 쓴 글이 없습니다.',
    undone: '모델이 쓴 글을 되돌렸습니다.', kept: '그대로 두었습니다.', chosen: '{name}: 골랐습니다.',
    reads: '모델이 모르는 글자: ', readAs: '{given} → {replacement}', leftOut: '{given} → (뺌)',
    times: ' ×{count}', andMore: '그 밖에 {count}가지',
    recipe: '설정 복사', recipeTitle: '이 글을 다시 얻으려면', close: '닫기', copy: '복사', copied: '복사함',
    commandPage: '이 파일이 있는 폴더의 터미널에서 실행합니다.',
    commandServed: '서버를 시작한 폴더의 터미널에서 실행합니다.',
    commandName: '터미널에서 실행합니다. {name} 자리에는 서버를 시작할 때 준 실행 폴더나 모델 파일을 넣으세요.',
    command: '터미널 명령', json: '설정값', address: '이 페이지의 주소',
    seeIntro: '모델은 얼마나 놀랐을까요? 비트가 많이 든 글자일수록 색이 짙습니다. 당연히 나올 글자에는 거의 들지 않고, 뜻밖의 글자에는 많이 듭니다.',
    seeIntro_words: '모델은 얼마나 놀랐을까요? 비트가 많이 든 낱말일수록 색이 짙습니다. 당연히 나올 낱말에는 거의 들지 않고, 뜻밖의 낱말에는 많이 듭니다.',
    pasted: '아무 글이나', paste: '여기에 글을 붙여 넣으세요…', score: '놀라움 보기', fromSheet: '종이의 글 가져오기',
    coloured: '놀라움으로 색칠한 글. 화살표 키로 글자를 옮겨 다닙니다', bitsPerCharacter: '글자당 비트',
    meanNote: '글자 {count}자의 평균, 모르는 글자 {unknown}자.', meanOneIn: '{number}가지 가운데 하나를 고르는 만큼의 불확실함입니다.',
    empty: '살펴볼 글이 없습니다.', legend: '글자에 든 비트', legend_words: '낱말에 든 비트',
    bits: '{bits}비트', from: '{low} – {high}', above: '{low} 이상', unknown: '모름', expected: '기대한 것', cost: '{name}: {bits}비트',
    optionLabel: '{name}, {bits}비트, 기대한 것 {expected}', scoring: '읽는 중…', onlyLast: '끝의 {count}자만 읽었습니다.',
    readBy: '{model} 모델이 읽었습니다.', onlyFirst: '전체 {total}자 가운데 앞의 {count}자입니다. 전체로는 글자당 {bits}비트가 듭니다.',
    who: '누가 썼나', whoIntro: '이 글은 어느 모델의 글과 가장 닮았을까요? 줄마다 가장 그럴듯한 글쓴이의 색을 입히고, 확실할수록 짙게 칠합니다.',
    compareWith: '비교할 모델', attribute: '누가 썼을까?', chooseTwo: '모델을 둘 이상 고르세요.', none: '없음',
    attributed: '줄마다 가장 그럴듯한 글쓴이로 나눈 글', likeliest: '전체로는 {name}, {share}',
    noneOfThem: '이 가운데 없습니다. 가장 가까운 것은 {name}입니다.',
    whoNote: '이 가운데 한 사람이 글을 모두 썼다고 할 때 저마다의 확률과, 글자당 비트입니다. 점선을 그은 줄은 어느 모델과도 닮지 않았습니다. 모든 모델이 따로 떼어 둔 자기 글의 거의 전부보다 더 놀란 줄입니다.',
    list: '목록', listIntro: '모델이 배운 목록과 닮은 새 항목입니다. 이름, 지명, 상품명 따위입니다. 항목은 모델이 줄 바꿈과 줄 바꿈 사이에 쓰는 글입니다.',
    listFilters: '어떤 항목', listCount: '항목 수', listLabel: '종류', listAnyLabel: '모두, 종류를 앞에 붙여', listMin: '가장 짧게', listMax: '가장 길게', listStarts: '시작', listEnds: '끝', listContains: '들어갈 글',
    listLike: '정규식', listAllowed: '쓸 수 있는 글자', listCommas: '가, 나, …', listNew: '배운 목록에 없는 것만', listUnique: '같은 것은 한 번만',
    listBest: '가장 그럴듯한 것부터 차례로', listGo: '목록 쓰기', listSave: 'CSV로 저장', listEntry: '항목', listBits: '비트', listIsNew: '새것', listIsKnown: '있던 것',
    listNote: '비트가 적을수록 모델에게 그럴듯한 항목입니다.', listing: '목록을 쓰는 중…', listStopped: '멈췄습니다.',
    listed: '항목 {count}개.', listCopied: '항목 {count}개를 복사했습니다.',
    listShort: '{wanted}개 가운데 {count}개만 썼습니다. {drawn}개를 뽑았고, 그 밖에는 나올 만한 것이 없습니다. 조건을 늦추거나 항목 수를 줄여 보세요.',
    listShortWhy: '{wanted}개 가운데 {count}개만 썼습니다. 뽑은 {drawn}개 가운데 {why}. 조건을 늦추거나 항목 수를 줄여 보세요.',
    refused_short: '너무 짧은 것 {count}개', refused_long: '너무 긴 것 {count}개', refused_character: '쓸 수 없는 글자가 든 것 {count}개', refused_start: '시작이 다른 것 {count}개', refused_end: '끝이 다른 것 {count}개',
    refused_part: '들어갈 글이 없는 것 {count}개', refused_pattern: '정규식에 맞지 않는 것 {count}개', refused_known: '배운 목록에 있는 것 {count}개', refused_repeat: '되풀이된 것 {count}개',
    historyIntro: '배우는 동안 모델이 쓴 글입니다. 언제나 같은 첫머리에서 같은 난수로 썼습니다.',
    validation: '따로 떼어 둔 글', training: '배운 글', play: '재생', pause: '일시 정지', moment: '학습의 시점',
    momentFacts: '에포크 {epoch} · 학습 {time} · 글자당 {bits}비트', live: ' · 학습 중', best: ' · 지금까지 가장 좋음',
    momentShort: '에포크 {epoch}, 글자당 {bits}비트',
    curve: '학습 곡선: 에포크에 따른 글자당 비트, {first}에서 {last}까지.', epochs: '에포크 (글을 읽은 횟수)',
    excerpts: '배우는 동안에는 따로 떼어 둔 글의 일부로 점수를 매깁니다. 더 긴 글로 재면 학습을 마친 모델은 글자당 {bits}비트이며, 이것이 맨 위의 숫자입니다.',
    noSamples: '이때 쓴 글이 없습니다.', waitingHistory: '아직 평가가 없습니다. 첫 평가와 함께 첫 글이 나옵니다.',
    lead: '{corpus}에서 다음에 올 글자를 배웠습니다.', leadNone: '다음에 올 글자를 예측하는 작은 언어 모델입니다.',
    lead_words: '{corpus}에서 다음에 올 낱말을 배웠습니다.', leadNone_words: '다음에 올 낱말을 예측하는 작은 언어 모델입니다.',
    startedFrom: ' {model} 모델에서 출발했습니다.',
    within: ' 학습 시간은 {time}입니다.', factBits: '글자당 비트 (따로 떼어 둔 글)', factCharacters: '아는 글자', factUnits: 'LSTM 유닛',
    factCharacters_bytes: '바이트', factCharacters_jamo: '아는 자모와 글자', factCharacters_words: '낱말과 글자',
    factParameters: '매개변수', factMemory: '기억', remembers: '끝없는', window: '{count}자', window_bytes: '{count}바이트', window_jamo: '자모 {count}개', window_words: '낱말 {count}개',
    lowercase: ' (소문자만)', listJoin: ', ', seconds: '{count}초', minutes: '{count}분',
    footer: '글자 단위 LSTM: 한 글자씩 읽고 다음 글자를 예측합니다.',
    footer_bytes: '바이트 단위 LSTM: 한 바이트씩 읽고 다음 바이트를 예측합니다.',
    footer_jamo: '자모 단위 LSTM: 자모를 하나씩 읽고 다음 자모를 예측합니다.',
    footer_words: '낱말 단위 LSTM: 낱말을 하나씩, 드문 낱말은 한 글자씩 읽고 다음 낱말을 예측합니다.',
    private: '모든 작업이 이 페이지 안에서 이루어지며, 아무것도 밖으로 보내지 않습니다.', served: '글은 이 페이지가 있는 서버로만 보냅니다.',
    lost: '서버가 응답하지 않습니다. 쓴 글은 그대로 있습니다. nextchar serve가 실행 중인지, 네트워크가 연결되어 있는지 확인하고 다시 해 보세요.',
    brokeOff: '서버와의 연결이 끊겼습니다. 지금까지 쓴 글은 종이에 있으니 이어쓰기를 눌러 계속하세요.',
    notUnderstood: 'nextchar의 응답이 아닙니다. 이 주소에서 다른 프로그램이 실행 중입니다. nextchar serve가 실행 중인지 확인하고 페이지를 새로 고치세요.',
    notThere: '서버에 이 모델이 더는 없습니다. 페이지를 새로 고쳐 모델 목록을 확인하세요.',
    outOfTime: '서버가 정해진 시간 안에 끝내지 못했습니다. 더 짧게 쓰게 하거나 다시 해 보세요.',
    tooLong: '서버가 한 번에 받는 양을 넘었습니다. 글자 수를 줄이거나 더 짧은 글로 해 보세요.',
    busy: '서버가 바쁘거나 아직 준비되지 않았습니다. 잠시 뒤에 다시 해 보세요.',
    refused: '서버가 요청을 거부했습니다: {message}',
    serverMistake: '서버에 오류가 났습니다. 내용은 서버의 터미널에 나옵니다. 쓴 글은 그대로 있으니 다시 해 보세요.',
    mistake: '이 페이지에 오류가 났습니다. 쓴 글은 그대로 있으니 복사해 두고 페이지를 새로 고치세요.',
    notKnown: '모델이 “{character}”({code})를 모르고, 대신 읽을 모름 기호도 없습니다. 이 글자를 빼고 다시 해 보세요.',
    damaged: '이 페이지에 든 모델이 손상되었습니다. 체크섬이 맞지 않으니 페이지를 다시 받으세요.',
    noMemory: '모델이 커서 브라우저의 메모리에 들어가지 않습니다. 다른 탭을 닫거나 다른 기기에서 여세요.',
    between: '{min}에서 {max}까지의 수를 넣으세요', betweenAbove: '{min}보다 크고 {max} 이하인 수를 넣으세요', wholeBetween: '{min}에서 {max}까지의 정수를 넣으세요', wholeAtLeast: '{min} 이상의 정수를 넣으세요',
    badField: '“{label}” 값을 쓸 수 없습니다: {message}',
    badLink: '주소에 담긴 설정을 읽을 수 없어 지금 설정을 그대로 둡니다.',
    otherModel: '다른 모델({model})의 설정이라 다른 글이 나옵니다.',
    space: '빈칸', newline: '줄 바꿈', tab: '탭', return: '캐리지 리턴', noBreak: '줄 안 바꿈 빈칸', wideSpace: '넓은 빈칸',
    zeroWidth: '폭 없는 빈칸', joiner: '잇는 글자', nonJoiner: '끊는 글자', softHyphen: '숨은 붙임표', byteOrder: '바이트 순서 표시',
    leftToRight: '왼쪽에서 오른쪽 표시', rightToLeft: '오른쪽에서 왼쪽 표시', combining: '결합 부호 {character} ({code})',
  },
};

export let language = 'en';
/** The kind of tokens of the model: some texts have another form for it, named with the kind at its end. */
let tokens = 'characters';

/** The text called `key` in the language of the page; `values` replace {names} in it, `count` selects the plural. */
export function say(key, values = {}) {
  const entry = STRINGS[language][`${key}_${tokens}`] ?? STRINGS[language][key];
  const text = Array.isArray(entry) ? entry[values.count === 1 ? 0 : 1] : entry;
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === 'number' ? value.toLocaleString(language) : value;
  });
}

/** Bits per character, as the report and the terminal show them too. */
export function bitsPerCharacter(bits) {
  return fixed(bits, 3);
}

/** A number with `digits` digits after the point. */
export function fixed(value, digits) {
  // signDisplay: nothing is ever "-0.00".
  return value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: 'negative' });
}

/** A probability for readers: two or three significant digits, and never 0 for what can happen. */
export function percent(value) {
  if (value > 0 && value < 0.0001) return '<0.01 %';
  return `${fixed(value * 100, value === 0 || value >= 0.9995 ? 0 : value < 0.01 ? 2 : 1)} %`;
}

export function duration(seconds) {
  if (seconds < 120) return say('seconds', { count: Math.round(seconds * (seconds < 10 ? 10 : 1)) / (seconds < 10 ? 10 : 1) });
  return say('minutes', { count: Math.round(seconds / 60) });
}

/** Put the texts of a language into every element that names one. */
export function speak(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
  for (const element of document.querySelectorAll('[data-say]')) element.textContent = say(element.dataset.say);
  for (const element of document.querySelectorAll('[data-label]')) element.setAttribute('aria-label', say(element.dataset.label));
  for (const element of document.querySelectorAll('[data-hint]')) element.placeholder = say(element.dataset.hint);
}

/** Speak of a model with tokens of the kind `spoken`. */
export function speakOf(spoken) {
  if (tokens === spoken) return;
  tokens = spoken;
  document.documentElement.dataset.tokens = spoken;
  speak(language);
}

/** The browser's first language that the page speaks, or English. */
export function browserLanguage() {
  const wanted = (navigator.languages ?? [navigator.language]).map((tag) => tag.slice(0, 2).toLowerCase());
  return wanted.find((tag) => tag in STRINGS) ?? 'en';
}
